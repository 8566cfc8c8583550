// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "result.h"

namespace nslab {

/// A CPU of this machine as the kernel numbers it.
struct Cpu {
  int number = 0;
  std::vector<int> siblings;  ///< the other CPUs of its core, which take from it what they use
  int node = 0;               ///< of memory
  bool operator==(const Cpu&) const = default;
};

/// "0-3,8" as the kernel writes it, ascending. Exit::user for another text, and for a number above 4,095.
Result<std::vector<int>> parse_cpu_list(const std::string& text);
/// The reverse.
std::string cpu_list_text(const std::vector<int>& numbers);

/// The CPUs that this process may run on, by number. `root` is for tests, which have a /proc and a /sys of their own
/// there.
std::vector<Cpu> usable_cpus(const std::filesystem::path& root = "/");

/// Where the threads of one guest run.
struct CpuPlace {
  std::vector<int> vcpus;        ///< one CPU for each vCPU
  std::vector<int> others;       ///< for QEMU's other threads
  std::vector<int> siblings;     ///< the other CPUs of the cores of `vcpus`: what runs there takes from the guest
  std::optional<int> node = {};  ///< of memory, which all of `vcpus` are near to, on a machine that has several
  bool operator==(const CpuPlace&) const = default;
};

/// Places for so many guests at once, all on one node of memory: each vCPU has a core for itself, and the first core is
/// for all else. Where there are too few cores for one guest, its vCPUs have the last CPUs, and at worst share them
/// with all else. Exit::machine when there are fewer CPUs than vCPUs, or too few cores for several guests at once.
Result<std::vector<CpuPlace>> cpu_places(const std::vector<Cpu>& cpus, unsigned guests, int vcpus);

/// The places that are free. Several threads may take at once.
class FreePlaces {
 public:
  explicit FreePlaces(std::vector<CpuPlace> places) : free_(std::move(places)) {}
  /// Waits until one is free.
  CpuPlace take();
  void give_back(CpuPlace place);

 private:
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<CpuPlace> free_;
};

}  // namespace nslab
