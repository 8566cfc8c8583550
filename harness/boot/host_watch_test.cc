// SPDX-License-Identifier: GPL-2.0
#include "host_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "processes.h"
#include "qemu.h"
#include "qmp.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

std::string allowed_cpus(int pid, int thread) {
  const std::string status = *read_file(fmt::format("/proc/{}/task/{}/status", pid, thread));
  const std::string key = "Cpus_allowed_list:\t";
  const auto at = status.find(key) + key.size();
  return status.substr(at, status.find('\n', at) - at);
}

// On real threads of a real QEMU, read back from /proc.
TEST(Pin, VcpusAreKeptFromAllOtherThreads) {
  auto cpus = usable_cpus();
  ASSERT_FALSE(cpus.empty());
  const auto places = cpu_places(cpus, 1, 1);
  ASSERT_TRUE(places) << places.error().message;
  auto ends = Qmp::make();
  ASSERT_TRUE(ends);
  auto& [monitor, theirs] = *ends;
  std::vector<std::string> argv = machine_command(Accelerator::tcg);
  for (const std::string& word : Qmp::arguments(theirs.get())) argv.push_back(word);
  argv.insert(argv.end(), {"-S", "-m", "64"});
  auto qemu = Process::start({.argv = argv, .inherited_fds = {theirs.get()}});
  ASSERT_TRUE(qemu) << qemu.error().message;
  theirs.reset();
  const auto answer = monitor.execute("query-cpus-fast");
  ASSERT_TRUE(answer) << answer.error().message;
  const int vcpu = answer->at(0).at("thread-id").get<int>();
  const auto pinned = pin(qemu->pid(), {vcpu}, places->front(), /*fifo=*/false);
  ASSERT_TRUE(pinned) << pinned.error().message;
  int others = 0;
  const auto tasks = *entries_of(fmt::format("/proc/{}/task", qemu->pid()));
  for (const fs::path& task : tasks) {
    const int thread = std::stoi(task.filename().string());
    const bool is_vcpu = thread == vcpu;
    others += is_vcpu ? 0 : 1;
    EXPECT_EQ(allowed_cpus(qemu->pid(), thread),
              cpu_list_text(is_vcpu ? places->front().vcpus : places->front().others));
  }
  EXPECT_GE(others, 1);
  const auto wrong = pin(qemu->pid(), {vcpu, vcpu}, places->front(), false);
  EXPECT_THAT(wrong.error().message, HasSubstr("2 threads for 1 vCPUs"));
  CpuPlace nowhere = places->front();
  nowhere.vcpus = {1023};
  EXPECT_THAT(pin(qemu->pid(), {vcpu}, nowhere, false).error().message, HasSubstr("CPU 1023"));
}

class HostWatchTest : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(make_folders((root_.path() / name).parent_path()));
    ASSERT_TRUE(write_file(root_.path() / name, text));
  }
  /// Nanoseconds and ticks of 10 ms.
  void host(long ran, long waited, int preempted, const std::string& cpu2, const std::string& cpu6) const {
    put("proc/7/task/9/schedstat", fmt::format("{} {} 100\n", ran, waited));
    put("proc/7/task/9/status",
        fmt::format("Name:\tCPU 0/KVM\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t{}\n", preempted));
    put("proc/stat", "cpu  9 9 9 9 9 9 9 9 0 0\ncpu2 " + cpu2 + "\ncpu6 " + cpu6 + "\nintr 5\n");
  }
  TempFolder root_ = *TempFolder::make(testing::TempDir(), "nslab-host");
};

TEST_F(HostWatchTest, SaysWhatTheThreadMetSinceTheStart) {
  host(1'000'000'000, 5'000'000, 10, "100 0 50 1000 0 0 0 3 0 0", "7 0 0 0 0 0 0 0 0 0");
  put("sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq", "3000000\n");
  put("sys/devices/system/cpu/cpu2/thermal_throttle/core_throttle_count", "4\n");
  put("sys/class/thermal/thermal_zone0/temp", "45000\n");
  HostWatch watch(7, {9}, {{2}, {0}, {6}}, root_.path());
  host(1'200'000'000, 5'000'000, 10, "100 0 50 1000 0 0 0 3 0 0", "7 0 0 0 0 0 0 0 0 0");
  watch.look();  // as it ran for all of so short a time, its frequency counts
  host(1'500'000'000, 25'000'000, 13, "140 0 70 1000 0 0 0 5 0 0", "9 0 1 0 0 0 0 0 0 0");
  put("sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq", "2400000\n");
  put("sys/class/thermal/thermal_zone0/temp", "61000\n");
  watch.look();
  auto numbers = watch.numbers();
  numbers.erase("host_watched_us");
  const std::map<std::string, std::uint64_t> expected = {
      {"host_cpu", 2},        {"host_ran_us", 500'000},   {"host_waited_us", 20'000},  {"host_stopped_us", 0},
      {"host_preempted", 3},  {"host_stolen_us", 20'000}, {"host_others_us", 100'000}, {"host_siblings_us", 30'000},
      {"host_mhz_low", 2400}, {"host_mhz_high", 3000},    {"host_celsius", 61},        {"host_throttled", 0}};
  EXPECT_EQ(numbers, expected);
}

TEST_F(HostWatchTest, AStoppedGuestIsSeen) {
  host(1'000'000'000, 0, 0, "100 0 50 1000 0 0 0 3 0 0", "7 0 0 0 0 0 0 0 0 0");
  HostWatch watch(7, {9}, {{2}, {0}, {6}}, root_.path());
  host(1'100'000'000, 0, 0, "100 0 50 1000 0 0 0 3 0 0", "7 0 0 0 0 0 0 0 0 0");
  put("proc/7/task/9/status", "Name:\tCPU 0/KVM\nState:\tT (stopped)\nnonvoluntary_ctxt_switches:\t0\n");
  watch.look();
  EXPECT_EQ(watch.numbers()["host_stopped_us"], watch.numbers()["host_watched_us"]);
}

TEST_F(HostWatchTest, WhatTheHostDoesNotTellIsNotThere) {
  host(0, 0, 0, "0 0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0");
  HostWatch watch(7, {9}, {{2}, {0}, {}}, root_.path());
  EXPECT_TRUE(watch.numbers().empty()) << "the thread has not run";
  host(9'000'000, 0, 2, "2 0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0");
  watch.look();
  EXPECT_EQ(watch.numbers().at("host_others_us"), 11'000U);
  put("proc/stat", "cpu  9 9 9 9 9 9 9 9 0 0\n");
  watch.look();
  EXPECT_FALSE(watch.numbers().contains("host_others_us"));
  EXPECT_FALSE(watch.numbers().contains("host_stolen_us"));
  for (const char* absent : {"host_siblings_us", "host_mhz_low", "host_mhz_high", "host_celsius", "host_throttled"})
    EXPECT_FALSE(watch.numbers().contains(absent)) << absent;
}

TEST_F(HostWatchTest, AThreadThatHasEndedKeepsWhatWasSeenLast) {
  host(0, 0, 0, "0 0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0");
  HostWatch watch(7, {9}, {{2}, {0}, {}}, root_.path());
  host(9'000'000, 0, 2, "1 0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0");
  watch.look();
  fs::remove_all(root_.path() / "proc/7");
  watch.look();
  EXPECT_EQ(watch.numbers().at("host_ran_us"), 9'000U);
  EXPECT_EQ(watch.numbers().at("host_preempted"), 2U);
}

}  // namespace
}  // namespace nslab
