// SPDX-License-Identifier: GPL-2.0
#include "files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "locks.h"
#include "processes.h"

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
  EXPECT_EQ(describe_status(run->status), "signal 9 (Killed)");
}

TEST(Files, AWriteReplacesTheWholeFile) {
  const auto folder = TempFolder::make(testing::TempDir(), "files");
  const auto file = folder->path() / "a";
  ASSERT_TRUE(write_file(file, "a long first content"));
  ASSERT_TRUE(write_file(file, "short"));
  EXPECT_EQ(*read_file(file), "short");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder->path()), {}), 1);
}

TEST(Locks, ASecondLockIsRefusedUntilTheFirstIsGone) {
  const auto folder = TempFolder::make(testing::TempDir(), "locks");
  const auto file = folder->path() / "lock";
  {
    const auto first = FileLock::attempt(file);
    ASSERT_TRUE(first && first->has_value());
    const auto second = FileLock::attempt(file);
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->has_value());
  }
  const auto third = FileLock::attempt(file);
  EXPECT_TRUE(third && third->has_value());
}

}  // namespace
}  // namespace nslab
