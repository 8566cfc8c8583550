// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "experiment.h"
#include "paths.h"
#include "preparation.h"
#include "result.h"
#include "sample.h"

namespace nslab {

/// Executes an experiment: builds what is missing, boots what is not yet stored, stores each boot as it ends. Of equal
/// experiments (same file, kernels, guest, QEMU) an unfinished one is continued.
///
/// Stops at the first boot that fails, and returns its error. Boots under way then are finished and stored. Each failed
/// boot's plan, console and frames are kept under `results`/failed/.
Result<RunRecord> run_experiment(const Experiment& experiment, const Paths& paths, const RunOptions& options);

}  // namespace nslab
