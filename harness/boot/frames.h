// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plan.h"
#include "result.h"
#include "sample.h"

namespace nslab {

/// Splits a boot's debug-console stream into payloads (docs/guest-protocol.md). The stream comes from a guest, and we
/// trust nothing in it: every deviation is an error that names the frame and the byte.
Result<std::vector<std::string>> split_frames(std::string_view stream);

/// What a complete boot reported. Its texts are printable().
struct BootReport {
  std::string release;                   ///< the guest kernel's uname -r
  std::uint64_t ready_instructions = 0;  ///< the time-stamp counter when the guest was ready
  int command_status = 0;                ///< of the plan's command: its exit status, or 128 + the signal that killed it
  std::string command_output;            ///< of the plan's command: stdout and stderr
  std::vector<Sample> samples;           ///< in the plan's order
};

/// Reads a whole stream against the plan it answers. Fails (Exit::says_no) unless the boot is complete: ready frame,
/// each cell of the plan once and in order, each with consistent figures, closing frame with the right counts. What the
/// error quotes of the guest is printable().
Result<BootReport> read_report(std::string_view stream, const BootPlan& plan, const std::string& kernel);

}  // namespace nslab
