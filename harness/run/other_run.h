// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sample.h"

namespace nslab {

/// What a folder has of another run than the one that is to be written there.
struct OtherRun {
  std::string what;              ///< "a store", "the report of another run, 'nslab report: smoke (run 1)' of …"
  bool same_experiment = false;  ///< so that the run may be a newer one, which replaces what is there
};

/// Looks for a store, a run in its text form and a report (report.md) in `folder`, and returns the first that is not of
/// `run`. `own` is the folder that the run was read from: the store or text form there is its own. A text form that
/// cannot be read is nobody's, so that its owner can have it whole again.
std::optional<OtherRun> other_run_in(const std::filesystem::path& folder, const RunRecord& run,
                                     const std::filesystem::path& own = {});

}  // namespace nslab
