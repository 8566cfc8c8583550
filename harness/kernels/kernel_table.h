// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "result.h"

namespace nslab {

/// An unmodified kernel source and the patch series for it.
struct Base {
  std::string name;
  std::string description;
  std::filesystem::path source;         ///< tarball or tree
  std::filesystem::path debian_config;  ///< xz
  std::string series;                   ///< folder under kernels/ with a file `series`
};

/// The rest of the kernel config.
struct Profile {
  std::string name;
  std::string description;
  std::string start;                   ///< "debian" or "tiny"
  std::vector<std::string> fragments;  ///< files under kernels/; a later line overrides an earlier one
  bool measurable = false;
  int objects = 0;  ///< compilations of a cold build, for the time left
};

/// How the kernel keeps pids: a setting of the series' options.
struct Model {
  std::string name;
  std::string description;
  std::vector<std::string> config;  ///< lines as in a .config
  /// The model whose build folder a build of this one starts with, as most of its objects are the same. None: a build
  /// compiles every file.
  std::shared_ptr<const Model> build_base = nullptr;
  bool is_build_base = false;  ///< of other models, so that its build folder is kept
};

/// kernels/kernels.toml.
struct KernelTable {
  std::vector<Base> bases;
  std::vector<Profile> profiles;
  std::vector<Model> models;

  /// Exit::user, with the names there are, when there is none of that name.
  Result<Base> base(const std::string& name) const;
  Result<Profile> profile(const std::string& name) const;
  Result<Model> model(const std::string& name) const;
};

/// Reads `folder`/kernels.toml.
Result<KernelTable> load_kernel_table(const std::filesystem::path& folder);

}  // namespace nslab
