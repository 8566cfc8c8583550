// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "experiment.h"
#include "paths.h"
#include "preparation.h"
#include "result.h"
#include "sample.h"

namespace nslab {

/// Executes an experiment: builds what is missing, boots what the results folder does not have from any of its runs,
/// stores each boot as it ends. Of equal experiments (same file, kernels, guest, QEMU) an unfinished run is continued.
///
/// A kernel that cannot be built, and a boot that fails, keep none of the others from being measured: they are noted as
/// failed (RunRecord::failures), and the error that is returned at the end, Exit::says_no, counts them. When two boots
/// of a kernel have failed, its others are not tried. Each failed boot's plan, console and frames are kept under
/// `results`/failed/. What this machine lacks, Exit::machine, ends the run at once; boots under way then are finished
/// and stored.
Result<RunRecord> run_experiment(const Experiment& experiment, const Paths& paths, const RunOptions& options);

}  // namespace nslab
