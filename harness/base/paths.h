// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>

#include "result.h"

namespace nslab {

/// Where the lab finds its files and puts its results.
struct Paths {
  std::filesystem::path root;   ///< what nslab reads: kernels/, plots/, configs/ of the checkout, or as installed
  std::filesystem::path guest;  ///< the built guest programs: init, nsexec, micro
  std::filesystem::path plugins = {};  ///< the folder of guard.so and attribution.so, which QEMU loads
  std::filesystem::path results;  ///< where runs go: results/ of the checkout or, once installed, of the current folder
  std::filesystem::path cache;    ///< $NSLAB_CACHE, or nslab under $XDG_CACHE_HOME, or ~/.cache/nslab

  std::filesystem::path kernels_folder() const { return root / "kernels"; }

  /// What the user names: from the current folder or, where there is no such file, from `root`, so that
  /// results/reference/smoke and configs/smoke.toml can be named wherever nslab is started.
  std::filesystem::path named(const std::filesystem::path& name) const;
};

/// $TMPDIR, or else /tmp. Exit::user when $TMPDIR names no folder.
Result<std::filesystem::path> temporary_folder();

/// Whether a kernel can be built in this absolute folder: Exit::user when its name has a character that the kernel's
/// own make, or the shells that it starts, take for something else (a blank, a comma, a colon, a quote, '$', '#' and so
/// on), or bytes that are no UTF-8, which no JSON can hold. Letters of all scripts, digits and "/._-+@" do no harm.
Result<void> check_build_folder(const std::filesystem::path& folder);

/// A program in PREFIX/bin that has PREFIX/share/nslab beside it is an installed one; any other knows its checkout from
/// the build. Exit::machine when neither a cache nor a home is set.
Result<Paths> find_paths();

/// The same for who only reads what is there: without a cache or a home, `cache` is empty and all else is found.
Result<Paths> find_paths_to_read();

}  // namespace nslab
