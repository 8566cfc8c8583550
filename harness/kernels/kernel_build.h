// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "files.h"
#include "json.h"
#include "kernel_table.h"
#include "locks.h"
#include "paths.h"
#include "result.h"
#include "signals.h"

namespace nslab {

/// A kernel to be had: base + model + profile.
struct KernelSpec {
  Base base;
  Profile profile;
  Model model;
};

/// A built kernel in the cache.
struct Kernel {
  std::string name;  ///< the model's
  std::string hash;  ///< of all that went into it, 64 hexadecimal digits
  std::filesystem::path folder;

  std::filesystem::path vmlinux() const { return folder / "vmlinux"; }
  std::filesystem::path config() const { return folder / "config"; }
  std::filesystem::path sizes() const { return folder / "sizes.json"; }
  std::filesystem::path manifest() const { return folder / "manifest.json"; }
};

/// What a built kernel was made of and with. Exit::machine when the file is missing or damaged.
Result<Json> read_manifest(const Kernel& kernel);

/// Builds kernels, and keeps them by the hash of what went into them: source, series, config fragment, model, toolchain
/// and the recipe itself. Under the cache folder: sources/ (patched trees), kernels/ (results), objects/, locks/, tmp/.
///
/// A model with a build base starts with a copy of that model's build folder (objects/), and make compiles what their
/// settings tell apart: Kbuild tracks, for every object, the options that its sources and headers mention. The last
/// patches of the series keep those of the models out of nearly all headers, so that one file in sixteen is compiled.
/// The result is the one that a build from scratch gives, to the bit.
///
/// Builds of one kernel at once wait for each other by a lock; a result appears by one rename, so that an interrupted
/// build leaves nothing half-made. The results of a hash are the same to the bit wherever they are built.
class KernelBuilder {
 public:
  explicit KernelBuilder(const Paths& paths) : paths_(paths) {}

  /// The kernel's hash. Reads the source (its hash is remembered by size and mtime). Exit::machine when the source
  /// or a tool is missing, with the package that has it.
  Result<std::string> hash(const KernelSpec& spec) const;
  /// Where the kernel of this hash is, or would be.
  Kernel cached(const KernelSpec& spec, const std::string& hash) const;
  bool is_built(const Kernel& kernel) const;

  /// The kernel from the cache, or built with `jobs` compilations at once (0: as many as cores); its model's build base
  /// is built first if need be. Not through ccache: it looks at preprocessed text, which the options of a model change
  /// everywhere, costs a third of a build and finds little.
  Result<Kernel> build(const KernelSpec& spec, int jobs = 0) const;
  /// The patched source tree (or, with no series, the pristine one), unpacked once.
  Result<std::filesystem::path> source_tree(const Base& base, bool patched) const;
  /// The .config of a kernel, complete (make olddefconfig), in `folder`/.config, checked to hold each line of fragment
  /// and model.
  Result<void> configure(const KernelSpec& spec, const std::filesystem::path& tree,
                         const std::filesystem::path& folder) const;
  /// Debian's own config, completed for the tree, in `folder`/.config: what `lean` is held against.
  Result<void> configure_debian(const Base& base, const std::filesystem::path& tree,
                                const std::filesystem::path& folder) const;

 private:
  using Patches = std::vector<std::pair<std::string, std::string>>;  // name, content
  struct Inputs;
  Result<Inputs> inputs(const KernelSpec& spec) const;
  Result<void> configure(const KernelSpec& spec, const Inputs& inputs, const std::filesystem::path& tree,
                         const std::filesystem::path& folder) const;
  Result<std::filesystem::path> source_tree(const Base& base, const std::string& source_hash,
                                            const Patches& patches) const;
  Result<void> build_into(const KernelSpec& spec, const Inputs& inputs, int jobs, const FileLock& lock,
                          const std::filesystem::path& folder) const;
  /// Where the build folder of a model that is a build base is kept.
  std::filesystem::path objects_of(const Profile& profile, const Kernel& kernel) const;
  Result<void> keep_objects(const Profile& profile, const Kernel& kernel, TempFolder work) const;
  Result<Kernel> build(const KernelSpec& spec, int jobs, bool with_objects) const;
  Result<std::string> source_hash(const Base& base) const;

  Paths paths_;
};

/// The environment variables that make kernel builds reproducible, as make arguments.
std::vector<std::string> reproducible_make_arguments();

}  // namespace nslab
