// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sample.h"

namespace nslab {

/// What the host did while a boot ran, as its samples' layouts have it (HostWatch::numbers()).
struct WatchedBoot {
  std::string kernel;
  std::uint64_t seed = 0;
  std::map<std::string, std::uint64_t> numbers;  ///< by name, all that begin with "host_"
  std::vector<std::string> disturbed_by;         ///< in words; empty: by nothing
};

/// The boots that were watched, by seed and kernel, each held against these rules. A disturbed boot is marked and kept:
/// who leaves out what looks wrong finds what was expected.
/// - it waited for its CPU for more than 1 % of the time that it could have run;
/// - a hypervisor above took more than 1 % of the time;
/// - other programs used its CPUs for more than 2 % of the time, or the other CPUs of its cores for more than 10 %;
/// - its CPUs' frequency moved by more than 5 %;
/// - its CPUs were slowed because they were hot;
/// - somebody stopped QEMU.
std::vector<WatchedBoot> watched_boots(const std::vector<Sample>& samples);

/// The rules, as sentences.
std::string disturbance_rules();

}  // namespace nslab
