// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "paths.h"
#include "sample.h"

namespace nslab {

/// What a run's digits depend on besides the experiment, as far as it is known.
struct Ingredients {
  std::optional<std::string> qemu;                            ///< the first line of `qemu-system-x86_64 --version`
  std::optional<std::string> qemu_fingerprint;                ///< qemu_fingerprint()
  std::optional<std::string> initramfs;                       ///< SHA-256: guest programs, benchmarks, libraries
  std::optional<std::map<std::string, std::string>> patches;  ///< SHA-256 by name, of the base's series
  std::map<std::string, std::string> models;                  ///< Kconfig lines by kernel
};

/// Those that a run's manifest names.
Ingredients ingredients_of(const RunRecord& run);

/// Those that this checkout and this machine would use for the same experiment. Nothing is built and nothing is
/// written, so that what is not at hand (QEMU, the guest programs, a model that was renamed) stays unknown. Takes some
/// 0.1 s.
Ingredients ingredients_today(const RunRecord& run, const Paths& paths);

/// A sentence for each ingredient that is known of both and differs: the digits of a repeated run may be others.
std::vector<std::string> differences_from_today(const Ingredients& then, const Ingredients& today);

}  // namespace nslab
