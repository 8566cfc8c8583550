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
