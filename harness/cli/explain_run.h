// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "paths.h"
#include "result.h"
#include "sample.h"
#include "store.h"

namespace nslab {

/// Takes the headline differences of a run apart, function by function, and keeps in its store what they are made of
/// (headlines.h). It is done once, when the run is complete, while the kernels are in the cache. Does nothing where
/// functions were not counted, or where it was done before. Where a kernel is no longer in the cache as it was built,
/// or calls are missing, it says so on stderr, and does nothing. With `every_cell` all differences from the reference
/// are taken apart, of whatever benchmark and depth, in place of the headlines.
Result<void> explain_run(const Paths& paths, Store& store, const RunRecord& run, bool every_cell = false);

}  // namespace nslab
