// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>

#include "boot.h"
#include "result.h"

namespace nslab {

/// What a guest is when it is ready: its memory and its devices, as QEMU saves them. Each boot of a kernel goes on from
/// there, and ends with the digits that it would end with from the start: the plan, and with it the seed, enters only
/// behind that point.

/// Boots a guest until it is ready and saves its state. Fails as run_boot() does, with `who` in the error's first line.
/// `settings.state` and `settings.symbols` are not used.
Result<void> save_guest_state(const std::string& who, const BootSettings& settings, const std::filesystem::path& state);

/// The state of this kernel, initramfs, QEMU and command line in a cache: made where it is not there, or not as it was
/// stored. Programs and threads may ask at once; one makes it, the others wait. `identity` names all that the state
/// depends on. It is made in the folder "ready" of settings.folder; when that fails, the boot's files stay there.
Result<std::filesystem::path> cached_guest_state(const std::filesystem::path& cache, const std::string& identity,
                                                 const std::string& who, const BootSettings& settings);

}  // namespace nslab
