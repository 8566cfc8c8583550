// SPDX-License-Identifier: GPL-2.0
#include "processes.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nslab {
namespace {

Command shell(const std::string& script) { return {.argv = {"sh", "-c", script}}; }

TEST(Process, OutputAndStatusAreCaptured) {
  const auto run = run_captured(shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->output, "out\nerr\n");
  EXPECT_EQ(describe_status(run->status), "exit status 7");
}

TEST(Process, MissingProgramIsAnErrorThatNamesIt) {
  const auto run = run_captured({.argv = {"/nowhere/program"}});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().exit, Exit::machine);
  EXPECT_EQ(run.error().message, "cannot start /nowhere/program: No such file or directory");
}

TEST(Process, DestructorEndsTheWholeGroup) {
  int pid = 0;
  {
    auto process = Process::start(shell("sleep 600 & wait"));
    ASSERT_TRUE(process);
    pid = process->pid();
    EXPECT_FALSE(process->wait_for(0.05));
  }
  // The orphan is dead at once; who reaps it takes its time.
  for (int i = 0; i < 500 && ::kill(-pid, 0) == 0; ++i) ::usleep(10'000);
  EXPECT_NE(::kill(-pid, 0), 0);
}

TEST(Process, DeathBySignalIsTold) {
  const auto run = run_captured(shell("kill -9 $$"));
  ASSERT_TRUE(run);
  EXPECT_EQ(describe_status(run->status),
            "signal 9 (Killed), which the kernel's OOM killer sends when memory runs out");
}

// Nothing of the caller's reaches a tool.
TEST(Process, TheEnvironmentIsScrubbed) {
  ::setenv("KCFLAGS", "-O1", 1);
  ::setenv("LANGUAGE", "fr", 1);
  const auto run = run_captured({.argv = {"env"}, .environment = {{"ADDED", "yes"}}});
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->output,
            "ADDED=yes\nLC_ALL=C\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTZ=UTC\n");
  const auto inherited = run_captured({.argv = {"sh", "-c", "echo $KCFLAGS"}, .inherits_environment = true});
  ASSERT_TRUE(inherited) << inherited.error().message;
  EXPECT_EQ(inherited->output, "-O1\n");
  ::unsetenv("KCFLAGS");
  ::unsetenv("LANGUAGE");
}

TEST(Process, SignalsThatTheCallerIgnoresAreNotIgnoredByAChild) {
  ::signal(SIGHUP, SIG_IGN);
  const auto run = run_captured(shell("kill -HUP $$; echo alive"));
  ::signal(SIGHUP, SIG_DFL);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(describe_status(run->status), "signal 1 (Hangup)");
  EXPECT_EQ(run->output, "");
}

// Some starters leave SIGCHLD ignored; the kernel then reaps children by itself and keeps no status.
TEST(Process, AnEndIsSeenWithSigchldIgnored) {
  ::signal(SIGCHLD, SIG_IGN);
  auto process = Process::start(shell("exit 0"));
  ASSERT_TRUE(process) << process.error().message;
  const auto status = process->wait_for(10);
  ::signal(SIGCHLD, SIG_DFL);
  ASSERT_TRUE(status);
  EXPECT_EQ(describe_status(*status), "exit status 127") << "an unknown status is no success";
}

TEST(Process, OutputIsCapturedWithoutATemporaryFolder) {
  ::setenv("TMPDIR", "/nowhere", 1);
  const auto run = run_captured(shell("echo here"));
  ::unsetenv("TMPDIR");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->output, "here\n");
}

TEST(Process, AsNobodyItHasNoRightsOfRoot) {
  const auto ended = run_captured({.argv = {"sh", "-c", "id -u; id -G; grep NoNewPrivs /proc/self/status"},
                                   .folder = "/",
                                   .as_nobody = true,
                                   .group = 7});
  ASSERT_TRUE(ended) << ended.error().message;
  if (::geteuid() == 0) {
    EXPECT_THAT(ended->output, testing::StartsWith("65534\n65534 7\n"));
  }
  EXPECT_THAT(ended->output, testing::HasSubstr("NoNewPrivs:\t1"));
}

TEST(Process, TheCallersPathDoesNotSayWhichProgramRuns) {
  const std::string before = ::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto ended = run_captured({.argv = {"true"}});
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->status, 0);
  EXPECT_FALSE(run_captured({.argv = {"no-such-program"}}));
}

TEST(Process, TheCallersOpenFilesStayWithTheCaller) {
  const int fd = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  ASSERT_GE(fd, 3);
  const auto ended = run_captured({.argv = {"sh", "-c", fmt::format("test -e /proc/self/fd/{}", fd)}});
  ::close(fd);
  EXPECT_NE(ended->status, 0);
}

TEST(Process, ACallersSoftLimitOnTheSizeOfFilesIsRaised) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto run = run_captured({.argv = {"echo", "all of it"}});
  setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, ignored);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->output, "all of it\n");
}

TEST(Process, AHardLimitOnTheSizeOfFilesIsNamed) {
  // In a child, which writes nothing itself: only root could raise the limit again.
  EXPECT_EXIT(
      {
        const rlimit none{};
        setrlimit(RLIMIT_FSIZE, &none);
        const auto run = run_captured(shell("seq 100000"));
        _exit(!run && run.error().exit == Exit::machine && run.error().message.find("ulimit -f") != std::string::npos
                  ? 0
                  : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace nslab
