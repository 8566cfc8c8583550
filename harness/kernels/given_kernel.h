// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>

#include "kernel_cache.h"
#include "result.h"

namespace nslab {

/// A kernel that somebody else has built, named by where it comes from:
///
///   debian:6.12.117   Debian's package of that version for clouds (linux-image-…-cloud-amd64); debian:6.12 is the
///   newest
///                     6.12 there is, and debian:6.12.117+deb12-amd64 is the package of just this name
///   image:FILE        a bzImage, as /boot/vmlinuz-…, or a vmlinux; image:FILE,map=FILE gives it a System.map, for a
///                     kernel that was built without kallsyms
struct GivenKernel {
  std::string name;                  ///< as it was asked for
  std::string package = {};          ///< Debian's
  std::string version = {};          ///< the package's
  std::string sha256;                ///< of the package, or of the image
  std::filesystem::path image = {};  ///< where there is no package
  std::filesystem::path map = {};    ///< its System.map; empty: none
  std::string map_sha256 = {};

  /// The kernel's hash: 64 hexadecimal digits.
  std::string hash() const;
};

/// Whether a kernel is named by where it comes from, and not as a model.
bool names_given_kernel(const std::string& name);

/// What the name stands for now. Asks apt about packages, and fetches nothing. Exit::user when there is no such
/// package, with those that there are, or no such file.
Result<GivenKernel> find_given_kernel(const std::string& name);

/// Fetches the package where it is one, unpacks the kernel, reads its symbols, and keeps it in the cache. Exit::user
/// for a kernel that cannot be unpacked or has no symbols; Exit::machine when apt cannot fetch.
Result<Kernel> provide_kernel(const GivenKernel& given, const KernelCache& cache);

}  // namespace nslab
