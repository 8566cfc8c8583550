// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "given_kernel.h"
#include "kernel_cache.h"
#include "kernel_table.h"
#include "processes.h"
#include "result.h"

namespace nslab {

/// The kernel that tree:DIR, tree:DIR@REV, tree:TARBALL or one of these with ,llvm and ,config=FILE stands for
/// (GivenKernel). Needs git, which reads trees that are no repositories, too; nothing is written in them. Where a
/// profile starts with Debian's config, that is the one of the base of `bases` that has the source's version.
Result<GivenKernel> find_source_tree(const KernelSpec& spec, const std::filesystem::path& kernels_folder,
                                     const KernelCache& cache, const std::vector<Base>& bases = {});

/// Checks the tree out, configures and compiles it, and puts vmlinux, System.map, config and build.log into `made`.
///
/// A tree's revisions are built in one place of the cache, one after the other: git writes the files alone that differ,
/// and make compiles what depends on them. Settings of the profile that the source does not know are left out. Those
/// that it knows and that do not hold are told.
Result<void> build_source_tree(const KernelSpec& spec, const KernelCache& cache, const std::filesystem::path& made,
                               int jobs);

/// What git prints on a repository of the user's, without a newline at its end, and how it ended.
Result<Captured> ask_git(const std::filesystem::path& repository, std::vector<std::string> words);

/// The options that a source's Kconfig files define, as "CONFIG_X".
Result<std::set<std::string>> options_of_source(const std::filesystem::path& tree);

}  // namespace nslab
