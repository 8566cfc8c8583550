// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel_cache.h"
#include "kernel_source.h"
#include "kernel_table.h"
#include "result.h"

namespace nslab {

/// All that goes into a kernel, read once, so that what is built is what the hash was made of. Names, descriptions and
/// comments are no part of it: to change them builds nothing anew.
struct KernelInputs {
  std::string source_hash;  ///< of the unmodified source
  std::vector<Patch> patches;
  std::string start;               ///< of the profile: "debian" or "tiny"
  std::string debian_config_hash;  ///< empty when the profile does not start with it
  std::string fragment;            ///< the settings of the profile's fragments, a line each
  std::string model;               ///< the settings of the model, a line each
  std::string compiler;            ///< the first line of what gcc --version, or clang --version, prints
  std::string linker;              ///< the same of ld or ld.lld

  /// The hash of everything but the model. Kernels of one family differ only in the model's settings and can share
  /// objects.
  std::string family() const;
  /// The kernel's hash: 64 hexadecimal digits.
  std::string hash() const;
};

/// Reads what a profile and the tools bring: all inputs but the source, its patches and the model. Fails as
/// read_inputs() does.
Result<KernelInputs> read_configuration(const Base& base, const Profile& profile,
                                        const std::filesystem::path& kernels_folder);

/// Reads the inputs of a kernel; series and fragments are in `kernels_folder`. Exit::machine when the source, Debian's
/// config or a tool is missing, with the package that has it; Exit::user when a file of the kernels folder is missing.
Result<KernelInputs> read_inputs(const KernelSpec& spec, const std::filesystem::path& kernels_folder,
                                 const KernelCache& cache);

}  // namespace nslab
