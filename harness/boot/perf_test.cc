// SPDX-License-Identifier: GPL-2.0
#include "perf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "processes.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::Not;

TEST(Perf, TheScriptsAreShellScripts) {
  for (const PerfWork work : {PerfWork::sample, PerfWork::stat, PerfWork::trace, PerfWork::locks, PerfWork::none}) {
    for (const Accelerator accelerator : {Accelerator::icount, Accelerator::kvm}) {
      const auto run = run_captured({.argv = {"dash", "-n", "-c", perf_script(work, accelerator)}});
      ASSERT_TRUE(run);
      EXPECT_EQ(run->output, "");
      EXPECT_EQ(run->status, 0);
    }
  }
}

TEST(Perf, HardwareCyclesAreTriedUnderKvmAlone) {
  EXPECT_THAT(perf_script(PerfWork::sample, Accelerator::kvm), HasSubstr("perf stat -x, -e cycles true"));
  EXPECT_THAT(perf_script(PerfWork::sample, Accelerator::icount), Not(HasSubstr("-e cycles")));
  // As perf 6.1 answers where there is a PMU, and where there is none.
  const std::string script = perf_script(PerfWork::sample, Accelerator::kvm);
  const std::string choice = script.substr(0, script.find("echo '== event'")) + "echo $event $period";
  for (const auto& [answer, event] : {std::pair("1234567,,cycles,600000,100.00,,", "cycles 300007\n"),
                                      {"<not supported>,,cycles,0,100.00,,", "cpu-clock 100003\n"},
                                      {"<not counted>,,cycles,0,0.00,,", "cpu-clock 100003\n"},
                                      {"", "cpu-clock 100003\n"}}) {
    const auto run = run_captured({.argv = {"dash", "-c", fmt::format("perf() {{ echo '{}'; }}\n{}", answer, choice)}});
    ASSERT_TRUE(run);
    EXPECT_EQ(run->output, event) << answer;
  }
}

TEST(Perf, AnAnswerHasItsParts) {
  const auto answer =
      guest_answer("multi", PerfWork::sample, 0,
                   "== event\ncpu-clock 100003\n== comms\nmicro\n== report\nline 1\n\nline 3\n== stacks\na;b 3\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at("report"), "line 1\n\nline 3\n");
  EXPECT_EQ(answer->at("stacks"), "a;b 3\n");
}

TEST(Perf, WhatWentWrongInTheGuestIsSaid) {
  const auto lacks = guest_answer("multi (mini)", PerfWork::trace, 10, "it has no tracepoints\n");
  ASSERT_FALSE(lacks);
  EXPECT_EQ(lacks.error().exit, Exit::says_no);
  EXPECT_EQ(lacks.error().message, "multi (mini): it has no tracepoints");
  const auto failed = guest_answer("multi", PerfWork::stat, 9, "micro: no\n");
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("perf did not come to its end in the guest:\nmicro: no"));
  EXPECT_FALSE(guest_answer("multi", PerfWork::sample, 0, "== report\nx\n")) << "parts are missing";
}

TEST(Perf, TheEventSaysWhatASampleIs) {
  const auto event = perf_event("cpu-clock 100003\n", Accelerator::icount);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->period, 100003U);
  EXPECT_EQ(event->quantity, "instructions");
  EXPECT_EQ(perf_event("cpu-clock 100003\n", Accelerator::kvm)->quantity, "ns of CPU time");
  EXPECT_EQ(perf_event("cycles 300007\n", Accelerator::kvm)->quantity, "cycles");
  for (const char* text : {"", "cycles", "cycles 0", "cycles x"})
    EXPECT_FALSE(perf_event(text, Accelerator::kvm)) << text;
}

TEST(Perf, TheLargestThreadsComeFirst) {
  const std::string head = "\n Summary of events:\n\n";
  const std::string small = " micro (5), 10 events, 1.0%\n\n   read 1\n\n";
  const std::string large = " a, b (4), 90 events, 9.0%\n\n   read 2, 50%\n";
  const TraceSummary one = largest_threads(head + small + large, 1);
  EXPECT_EQ(one.largest, head + large);
  EXPECT_EQ(one.threads, 2U);
  EXPECT_EQ(one.shown, 1U);
  EXPECT_EQ(largest_threads(head + small + large, 5).largest, head + large + small);
  EXPECT_EQ(largest_threads("", 5).threads, 0U);
}

TEST(Perf, ExitsAreCountedOfOneProcess) {
  EXPECT_THAT(exits_record_command(1234, "/tmp/a b"),
              testing::ElementsAre("perf", "kvm", "-o", "/tmp/a b", "stat", "record", "-p", "1234"));
  EXPECT_THAT(exits_report_command("/tmp/a b"),
              testing::ElementsAre("perf", "kvm", "-i", "/tmp/a b", "stat", "report", "--event=vmexit"));
}

TEST(Perf, WhoMayNotCountExitsIsToldWhy) {
  const auto root = TempFolder::make(fs::temp_directory_path(), "perf-test");
  ASSERT_TRUE(root);
  const auto nothing = check_exits(root->path());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().exit, Exit::machine);
  EXPECT_THAT(nothing.error().message, HasSubstr("as root"));
  const fs::path events = root->path() / "sys/kernel/tracing/events";
  ASSERT_TRUE(make_folders(events));
  EXPECT_THAT(check_exits(root->path()).error().message, HasSubstr("modprobe"));
  ASSERT_TRUE(make_folders(events / "kvm/kvm_exit"));
  ASSERT_TRUE(write_file(events / "kvm/kvm_exit/id", "1\n"));
  EXPECT_TRUE(check_exits(root->path()));
}

}  // namespace
}  // namespace nslab
