// SPDX-License-Identifier: GPL-2.0
#include "kernel_make.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr int kStatus2 = 2 << 8;  // as wait(2) gives exit status 2

Exit exit_of(const std::string& output) { return failed_make("the build", kStatus2, output).exit; }

TEST(KernelMake, WritesOutsideOfTheTreeWithFixedNamesAndTimes) {
  const Command command = kernel_make("/tree", "/build", {"-j2", "bzImage"});
  EXPECT_THAT(command.argv, testing::IsSupersetOf({"make", "-C", "/tree", "O=/build", "-j2", "bzImage"}));
  EXPECT_THAT(command.argv, Contains("KBUILD_BUILD_TIMESTAMP=2025-01-01 00:00:00 UTC"));
}

TEST(FailedMake, IsTheUsersWhenTheSourceDoesNotBuild) {
  EXPECT_EQ(exit_of("kernel/pid.c:12:3: error: 'pid' undeclared (first use in this function)\n"
                    "make[4]: *** [scripts/Makefile.build:229: kernel/pid.o] Error 1\n"),
            Exit::user);
  EXPECT_EQ(exit_of("kernel/pid.c:12:10: fatal error: linux/pid_ids.h: No such file or directory\n"), Exit::user);
  EXPECT_EQ(exit_of("init/Kconfig:1412: syntax error\n"), Exit::user);
  EXPECT_EQ(exit_of("ld: kernel/pid.o: in function `f': undefined reference to `g'\n"), Exit::user);
  EXPECT_EQ(exit_of("make: *** No rule to make target 'olddefconfig'.  Stop.\n"), Exit::user);
  EXPECT_EQ(exit_of("/bin/sh: 1: scripts/no-such-script.sh: not found\n"), Exit::user) << "a file of the source's own";
}

TEST(FailedMake, IsTheMachinesWhenItLacksSomething) {
  EXPECT_EQ(exit_of("/bin/sh: 1: flex: not found\n"), Exit::machine);
  EXPECT_EQ(exit_of("make[2]: flex: No such file or directory\n"), Exit::machine);
  EXPECT_EQ(exit_of("sh: line 1: bc: command not found\n"), Exit::machine);
  EXPECT_EQ(exit_of("fs/inode.c:1: fatal error: error writing to /tmp/cc.s: No space left on device\n"), Exit::machine);
  EXPECT_EQ(exit_of("gcc: fatal error: Killed signal terminated program cc1\n"), Exit::machine);
  EXPECT_EQ(exit_of("elf.h:10:10: fatal error: gelf.h: No such file or directory\n"), Exit::machine);
  EXPECT_EQ(failed_make("the build", SIGKILL, "").exit, Exit::machine);
  EXPECT_THAT(failed_make("the build", kStatus2, "/bin/sh: 1: flex: not found\nmore\n").message,
              HasSubstr("/bin/sh: 1: flex: not found"));
}

// Other compilers go on for a while, and their warnings bury the error.
TEST(FailedMake, ShowsTheErrorsThatLieAboveTheEnd) {
  std::string output =
      "  CC      kernel/pid.o\n"
      "kernel/pid.c:12:3: error: 'pid' undeclared (first use in this function)\n"
      "   12 |   pid->count = 1;\n"
      "      |   ^~~\n"
      "make[4]: *** [scripts/Makefile.build:229: kernel/pid.o] Error 1\n"
      "make[4]: *** Waiting for unfinished jobs....\n";
  for (int i = 1; i <= 40; ++i) output += fmt::format("  CC      fs/file{}.o\n", i);
  const std::string message = failed_make("the build", kStatus2, output).message;
  EXPECT_THAT(message, HasSubstr("\nIts errors:\n"
                                 "  kernel/pid.c:12:3: error: 'pid' undeclared (first use in this function)\n"
                                 "     12 |   pid->count = 1;\n"
                                 "        |   ^~~\n"
                                 "  make[4]: *** [scripts/Makefile.build:229: kernel/pid.o] Error 1\n"));
  EXPECT_THAT(message, HasSubstr("\nIt last printed:\n    CC      fs/file11.o\n"));
  EXPECT_THAT(message, Not(HasSubstr("file10.o")));

  std::string many;
  for (int i = 0; i < 100; ++i) many += fmt::format("a.c:{}:1: error: no\n", i);
  const std::string first = failed_make("the build", kStatus2, many).message;
  EXPECT_THAT(first, HasSubstr("\nIts errors:\n  a.c:0:1: error: no\n"));
  EXPECT_THAT(first, HasSubstr("a.c:19:1: error: no\n  …\nIt last"));
  EXPECT_THAT(first, Not(HasSubstr("a.c:20:1:")));
}

TEST(FailedMake, NamesTheOomKillerWhereItStruck) {
  const std::string output = "gcc: fatal error: Killed signal terminated program cc1\n";
  const auto proven = failed_make("the build", kStatus2, output, "Memory ran out: 1 process was killed");
  EXPECT_EQ(proven.exit, Exit::machine);
  EXPECT_THAT(proven.message, HasSubstr("\nMemory ran out: 1 process was killed: give --jobs a smaller number.\n"));
  EXPECT_THAT(failed_make("the build", SIGKILL, "", "Memory ran out").message,
              HasSubstr("Memory ran out: give --jobs"));
  EXPECT_THAT(failed_make("the build", SIGKILL, "").message, HasSubstr("which the kernel's OOM killer sends"));
  EXPECT_EQ(failed_make("the build", kStatus2, "pid.c:1: error: no\n", "Memory ran out").exit, Exit::user)
      << "somebody else's memory";
}

TEST(FailedMake, AFullDiskIsNotThePatchsFault) {
  const std::string output = "ld: /tmp/\nmake: *** [Makefile:1: x.o] Error 1\n";
  const auto full = failed_make("the build", kStatus2, output, std::nullopt, "the disk of /x has 0 MiB left");
  EXPECT_EQ(full.exit, Exit::machine);
  EXPECT_THAT(full.message, HasSubstr("the build failed (exit status 2): the disk of /x has 0 MiB left\n"));
  EXPECT_THAT(full.message, HasSubstr("It last printed:\n  ld: /tmp/"));
  EXPECT_FALSE(full_disk_evidence(testing::TempDir())) << "these tests need some room themselves";
}

TEST(BuildJobs, AreAsManyAsCoresAndMemoryAllow) {
  EXPECT_EQ(default_build_jobs({.cores = 8, .memory_mib = 16'000}), 8);
  EXPECT_EQ(default_build_jobs({.cores = 64, .memory_mib = 3'000}), 10);
  EXPECT_EQ(default_build_jobs({.cores = 2, .memory_mib = 100}), 1);
}

TEST(FailedMake, ShowsTheEndOfWhatWasPrinted) {
  std::string output;
  for (int i = 1; i <= 31; ++i) output += fmt::format("line {}\n", i);
  const std::string message = failed_make("the build", kStatus2, output).message;
  EXPECT_THAT(message, HasSubstr("the build failed (exit status 2)"));
  EXPECT_THAT(message, HasSubstr("\n  line 2\n"));
  EXPECT_THAT(message, HasSubstr("\n  line 31"));
  EXPECT_THAT(message, Not(HasSubstr("line 1\n")));
}

}  // namespace
}  // namespace nslab
