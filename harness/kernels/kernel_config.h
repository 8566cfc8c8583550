// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel_table.h"
#include "result.h"

namespace nslab {

/// The lines of a config or fragment that set something, `CONFIG_X=…` or `# CONFIG_X is not set`, as they are. Other
/// comments are left out: they are no part of a kernel, nor of its hash.
std::vector<std::string> settings_of(const std::string& fragment);

/// A config with every module off, and CONFIG_MODULES with them: no guest of this lab loads modules.
std::string without_modules(const std::string& config);

/// Whether a complete config holds every setting that was wanted; of two settings of one option the later counts, as in
/// the kernel's own merge_config.sh. An option that is wanted off may be absent. Exit::user, with all settings that are
/// lost: Kconfig drops what it does not know and what lacks a dependency, and says nothing.
Result<void> check_settings(const std::string& wanted, const std::string& config);

/// "CONFIG_X" of a setting.
std::string option_of(const std::string& setting);

/// Completes `folder`/.config for the source in `tree`, as the kernel's `make olddefconfig` does. `llvm` is
/// Profile::llvm.
Result<void> complete_config(const std::filesystem::path& tree, const std::filesystem::path& folder, bool llvm = false);

/// Writes `folder`/.config for the source in `tree`: what the profile starts with, `settings` on top (a line each),
/// completed by the kernel's `make olddefconfig`. Exit::user when a setting does not survive that.
Result<void> configure_kernel(const Base& base, const Profile& profile, const std::string& settings,
                              const std::filesystem::path& tree, const std::filesystem::path& folder);

/// Whether the kernel that was built in `folder` was compiled with the .config that stands there: make reads
/// include/config/auto.conf and compilers read include/generated/autoconf.h, which make writes when .config looks newer
/// than they do. Exit::machine when either says something else.
Result<void> check_compiled_settings(const std::filesystem::path& folder);

/// Writes Debian's own config, modules included and completed for the source in `tree`, to `folder`/.config. A test
/// compares `lean` with it.
Result<void> configure_debian(const Base& base, const std::filesystem::path& tree, const std::filesystem::path& folder);

}  // namespace nslab
