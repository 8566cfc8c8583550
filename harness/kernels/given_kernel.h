// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "kernel_cache.h"
#include "result.h"

namespace nslab {

struct Base;
struct KernelSpec;

/// A package of Debian's, as apt knows it.
struct DebianPackage {
  std::string name;
  std::string version;
  std::string sha256;
};

struct KernelImage {
  std::filesystem::path file;  ///< a bzImage or a vmlinux
  std::string sha256;
  std::filesystem::path map = {};  ///< its System.map; empty: the kernel's own symbols
};

/// A source tree of somebody's, at a revision or as it is.
struct SourceTree {
  std::filesystem::path folder;
  std::string id;                            ///< git's, of all files of the tree
  std::filesystem::path config = {};         ///< a .config; empty: the profile's
  std::string version = {};                  ///< as "6.12.117"
  std::filesystem::path debian_config = {};  ///< of that version, if there is one: what a profile starts with
  bool llvm = false;                         ///< made by clang and LLVM's other tools
  std::string settings = {};                 ///< the config's text, or the profile's settings, a line each
};

/// A kernel that is named by where it comes from, and not by a model:
///
///   debian:6.12.117   Debian's package of that version for clouds (linux-image-…-cloud-amd64); debian:6.12 is
///                     the newest 6.12 there is, and debian:6.12.117+deb12-amd64 is the package of just this name
///   image:FILE        a bzImage, as /boot/vmlinuz-…, or a vmlinux; image:FILE,map=FILE gives it a System.map, for a
///                     kernel that was built without kallsyms
///   tree:DIR@REV      the Linux of a git repository, at a revision; tree:DIR is a tree as it is, changes that are not
///                     committed with it, and tree:FILE is a tarball. It is built with the run's profile, as far as
///                     that source has its settings; tree:DIR@REV,config=FILE is built with that .config, and with
///                     ,llvm behind DIR or REV by clang
struct GivenKernel {
  std::string name;  ///< as it was asked for
  std::string hash;  ///< of all that it is made of, 64 hexadecimal digits
  std::string what;  ///< for reports, as "linux-image-6.12.117+deb12-cloud-amd64 6.12.117-1~deb12u1"
  std::variant<DebianPackage, KernelImage, SourceTree> from;

  /// Whether it is built with the run's profile.
  bool has_profile() const {
    const auto* const tree = std::get_if<SourceTree>(&from);
    return tree != nullptr && tree->config.empty();
  }
};

/// Whether a kernel is named by where it comes from.
bool names_given_kernel(const std::string& name);

/// What the name, which is the model's, stands for now. Asks apt about packages, and fetches and builds nothing; a tree
/// as it is, is read. Exit::user when there is no such package, with those that there are, no such file or no such
/// revision; Exit::machine when a tool is missing. `bases` are those that there are (find_source_tree()).
Result<GivenKernel> find_given_kernel(const KernelSpec& spec, const std::filesystem::path& kernels_folder,
                                      const KernelCache& cache, const std::vector<Base>& bases);

/// Fetches, unpacks or builds the kernel of spec.given, and keeps it in the cache. Exit::user for a kernel that cannot
/// be unpacked, has no symbols or does not compile; Exit::machine when apt cannot fetch, or for what this machine
/// lacks.
Result<Kernel> provide_kernel(const KernelSpec& spec, const KernelCache& cache, int jobs);

}  // namespace nslab
