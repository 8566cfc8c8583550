// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>

#include "json.h"
#include "result.h"

namespace nslab {

/// The machine as a run's manifest describes it: "system" (as uname -srm says it), "cpu" (the model's name), "cores".
Json describe_host();

/// This machine's name, as hostname(1) says it.
std::string host_name();

/// How many boots run at once: `wish`, or when that is 0 as many as there are cores and as the host's memory holds.
/// Exit::machine when the memory does not hold the wish, or not even one guest; the message names the guest's memory
/// and what would fit.
Result<unsigned> choose_jobs(int wish, int memory_mib, unsigned cores, std::uint64_t host_mib);

}  // namespace nslab
