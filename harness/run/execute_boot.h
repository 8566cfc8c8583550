// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>

#include "plan.h"
#include "preparation.h"
#include "result.h"
#include "store.h"

namespace nslab {

/// Executes one boot of a prepared experiment, whose kernel is built, and returns it as the store takes it. It knows
/// nothing of the other boots: any thread, process or machine that has the same files may call it.
///
/// The boot works in a new folder in `cache`, which goes with it, and goes on from the kernel's ready guest, which
/// stays there (guest_state.h). When the boot fails, its plan, console, frames and QEMU's log are copied to
/// `failed`/KERNEL-seedSEED, and the error, which is run_boot()'s, names that folder. An interrupted boot leaves
/// nothing.
Result<BootRecord> execute_boot(const Prepared& prepared, const BootPlan& plan, const std::filesystem::path& cache,
                                const std::filesystem::path& failed);

}  // namespace nslab
