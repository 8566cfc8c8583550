// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "json.h"

namespace nslab {

/// A setting of this machine that times depend on. Under the instructions meter none of them matters.
struct HostSetting {
  std::string name;    ///< "governor"
  std::string value;   ///< as the kernel shows it; "absent" where this machine has no such setting
  std::string hurts;   ///< how it disturbs times, as a sentence without a full stop; empty: it does not
  std::string remedy;  ///< the command that mends it, or what else to do; empty: nothing to do
};

/// What this machine is set to: its microcode, the CPUs' governor and turbo, SMT, a hypervisor above it, NUMA
/// balancing, the watchdog, load. Nothing is changed. `root` is for tests, which have a /proc and a /sys of their own
/// there.
std::vector<HostSetting> read_host_settings(const std::filesystem::path& root = "/");

/// Names and values, for a run's manifest.
Json host_settings_json(const std::vector<HostSetting>& settings);

/// All of the machine that times belong to: describe_host(), the microcode and the settings. Not the load, which comes
/// and goes.
Json host_identity(const Json& host, const std::vector<HostSetting>& settings);

/// What is not the same in two identities, as "cpu: A, here B".
std::vector<std::string> identity_differences(const Json& then, const Json& now);

}  // namespace nslab
