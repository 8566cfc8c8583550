// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>

#include "result.h"

namespace nslab {

/// Where things are.
struct Paths {
  std::filesystem::path root;   ///< the checkout
  std::filesystem::path guest;  ///< the built guest programs: init, nsexec, micro
  std::filesystem::path cache;  ///< $NSLAB_CACHE, or nslab under $XDG_CACHE_HOME, or ~/.cache/nslab

  std::filesystem::path kernels_folder() const { return root / "kernels"; }
};

/// The checkout is known from the build. Exit::machine when neither a cache nor a home is set.
Result<Paths> find_paths();

}  // namespace nslab
