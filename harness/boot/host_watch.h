// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cpus.h"
#include "result.h"

namespace nslab {

/// Keeps each vCPU's thread of a QEMU on its CPU of the place, and QEMU's other threads on the place's others. With
/// `fifo` the vCPUs' threads have a priority (SCHED_FIFO, 1) that no ordinary program takes the CPU from. Exit::machine
/// when the kernel does not let us, or does otherwise.
Result<void> pin(int pid, const std::vector<int>& vcpu_threads, const CpuPlace& place, bool fifo);

/// What the threads of a guest's vCPUs meet on this host while they run: by what they are disturbed, and how much.
class HostWatch {
 public:
  /// Counts from now on. `root` is for tests, which have a /proc and a /sys of their own there.
  HostWatch(int pid, std::vector<int> vcpu_threads, CpuPlace place, std::filesystem::path root = "/");

  /// Reads everything anew. What a thread has met since the last look is lost when it ends.
  void look();

  /// By name, from the start to the last look; a name that this host has nothing to say of is not there, and nothing is
  /// where the kernel does not account for threads (schedstat). Times are in microseconds, and of all vCPUs together,
  /// idle ones too:
  /// - host_cpu: the first vCPU's;
  /// - host_watched_us: the time itself, once for each vCPU;
  /// - host_ran_us, host_waited_us: their threads ran, or could have and did not (/proc/PID/task/TID/schedstat);
  /// - host_stopped_us: somebody had stopped the threads (SIGSTOP, a debugger), by the looks;
  /// - host_preempted: how often another took a CPU from them (nonvoluntary_ctxt_switches);
  /// - host_stolen_us: a hypervisor above took the CPUs away (steal in /proc/stat);
  /// - host_others_us, host_siblings_us: others, interrupts too, used these CPUs, and the other CPUs of their cores
  /// (/proc/stat, whose
  ///   step is 10 ms);
  /// - host_mhz_low, host_mhz_high: the least and the largest frequency at any look, of that one of these CPUs whose
  ///   frequency moved most, while the guest was not idle;
  /// - host_celsius: the highest temperature of any zone at any look;
  /// - host_throttled: how often these CPUs, or all CPUs of their package, were slowed because they were hot.
  std::map<std::string, std::uint64_t> numbers() const;

 private:
  struct Counts {
    std::uint64_t watched_us = 0;
    std::uint64_t ran_us = 0;
    std::uint64_t waited_us = 0;
    std::uint64_t preempted = 0;
    std::uint64_t stolen_us = 0;
    std::uint64_t busy_us = 0;
    std::uint64_t siblings_us = 0;
    std::uint64_t throttled = 0;
    bool knows_cpus = false;  ///< /proc/stat has them
    bool stopped = false;
  };
  Counts count() const;
  void look_at_frequency();

  int pid_;
  std::vector<int> threads_;
  CpuPlace place_;
  std::filesystem::path root_;
  Counts first_;
  Counts last_;
  std::map<int, std::pair<std::uint64_t, std::uint64_t>> mhz_;  ///< by CPU, the lowest and the highest
  std::uint64_t stopped_us_ = 0;
  std::uint64_t celsius_ = 0;  ///< 0: not known
  bool knows_throttling_ = false;
};

}  // namespace nslab
