// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>

#include "json.h"
#include "kernel_cache.h"
#include "kernel_inputs.h"
#include "kernel_table.h"
#include "paths.h"
#include "result.h"

namespace nslab {

/// Builds kernels: reads a kernel's inputs, looks for their hash in the cache, and where it is missing makes the source
/// tree, configures, compiles, and keeps the result. The results of a hash are the same to the bit wherever they are
/// built.
///
/// A model with a build base starts with a copy of that model's build folder, and make compiles only what their
/// settings tell apart: Kbuild tracks, for every object, the options that its sources and headers mention. The last
/// patches of the series keep the models' options out of nearly all headers, so that one file in sixteen is compiled.
/// The result is the one that a build from scratch gives, to the bit.
///
/// The compiler is not called through ccache. ccache looks at preprocessed text, which the options of a model change
/// everywhere; it costs a third of a build's time and finds little.
class KernelBuilder {
 public:
  explicit KernelBuilder(const Paths& paths) : kernels_folder_(paths.kernels_folder()), cache_(paths.cache) {}

  /// The model of the table with this name, or the kernel that is given by it (given_kernel.h). Errors as of
  /// KernelTable::model() and find_given_kernel().
  Result<KernelSpec> spec(const KernelTable& table, const Base& base, const Profile& profile,
                          const std::string& name) const;
  /// The kernel's hash. Errors as of read_inputs().
  Result<std::string> hash(const KernelSpec& spec) const;
  /// Where the kernel of this hash is, or would be.
  Kernel cached(const KernelSpec& spec, const std::string& hash) const;
  /// is_complete().
  bool is_built(const KernelSpec& spec, const Kernel& kernel) const;

  /// A kernel that is given (given_kernel.h) is fetched in place of being built.
  ///
  /// The kernel from the cache, or built with `jobs` compilations at once (0: as many as cores). The model's build base
  /// is built first when its objects are missing. Exit::user when a setting is lost or the source does not compile;
  /// Exit::machine when the machine lacks a tool, memory or disk space.
  Result<Kernel> build(const KernelSpec& spec, int jobs = 0) const;
  /// The source tree, unpacked once, with the base's series applied to it or as it is.
  Result<std::filesystem::path> source_tree(const Base& base, bool patched) const;
  /// The kernel's .config alone, as configure_kernel() writes it.
  Result<void> configure(const KernelSpec& spec, const std::filesystem::path& tree,
                         const std::filesystem::path& folder) const;

 private:
  Result<KernelInputs> inputs(const KernelSpec& spec) const { return read_inputs(spec, kernels_folder_, cache_); }
  Result<Kernel> build(const KernelSpec& spec, int jobs, bool with_objects) const;

  std::filesystem::path kernels_folder_;
  KernelCache cache_;
};

/// Whether the files in the cache that we use are those that were built: the manifest is this kernel's, and gives the
/// hashes of vmlinux, of the bzImage and of the sizes. A kernel that was exchanged or cut short would be measured under
/// another's name, or not boot. Exit::user when vmlinux cannot be read.
Result<bool> is_intact(const Kernel& kernel);

/// Of the bzImage in a kernel's manifest: its hash, or "" where there is none to be had.
inline constexpr const char* kBzimageHash = "bzimage_sha256";

/// Whether the cache has all of the kernel that the spec wants.
bool is_complete(const KernelCache& cache, const KernelSpec& spec, const Kernel& kernel);

/// What a built kernel was made of and with. Exit::machine when the file is damaged, Exit::user when it is missing.
Result<Json> read_manifest(const Kernel& kernel);

}  // namespace nslab
