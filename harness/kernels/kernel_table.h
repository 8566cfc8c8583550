// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "given_kernel.h"
#include "result.h"

namespace nslab {

/// The base of experiments and verbs that name none.
inline constexpr const char* kDefaultBase = "linux-6.12";

/// An unmodified kernel source and the patch series for it.
struct Base {
  std::string name;
  std::string description;
  std::filesystem::path source;         ///< a tarball or a tree
  std::filesystem::path debian_config;  ///< Debian's config, compressed; package linux-config-VERSION
  std::string series;  ///< a folder under kernels/, with the patches and a file `series` that lists them
  /// A file under kernels/ with what a profile that starts with tinyconfig sets otherwise on this source; empty:
  /// nothing.
  std::string tiny_fragment = {};

  /// "6.12" of "linux-6.12".
  std::string version() const { return name.substr(name.find('-') + 1); }
};

/// How the rest of the kernel is configured.
struct Profile {
  std::string name;
  std::string description;
  std::string start;                   ///< "debian" or "tiny": the config that the fragments go on top of
  std::vector<std::string> fragments;  ///< files under kernels/; a later setting overrides an earlier one
  bool measurable = false;             ///< if not, nslab measures on it only when it is forced to
  bool llvm = false;                   ///< made by clang and LLVM's other tools (LLVM=1), and not by gcc and binutils
  int objects = 0;                     ///< files that a build from scratch compiles, to show the time left
};

/// How the kernel keeps pids: a setting of the series' options.
struct Model {
  std::string name;
  std::string description;
  std::vector<std::string> config;  ///< settings, as lines of a .config
  std::string series = {};          ///< a patch series of its own, in place of the base's
  /// The model whose build folder a build of this one starts with, as most of its objects are the same. None: a build
  /// compiles every file.
  std::shared_ptr<const Model> build_base = nullptr;
  bool is_build_base = false;  ///< of other models, so that its build folder is kept

  /// A series of its own is made for one base: it is the base's name, or begins with it.
  bool is_for(const Base& base) const {
    return series.empty() || series == base.name || series.starts_with(base.name + "-");
  }
};

/// What is to be built: one of each.
struct KernelSpec {
  KernelSpec() = default;
  KernelSpec(Base of_base, Profile of_profile, Model of_model)
      : base(std::move(of_base)), profile(std::move(of_profile)), model(std::move(of_model)) {
    if (!model.series.empty()) base.series = model.series;
  }

  Base base;  ///< with the series that the kernel has
  Profile profile;
  Model model;
  std::optional<GivenKernel> given = {};  ///< then the others say nothing but the name, which is the model's
  bool with_bzimage = false;              ///< Kernel::bzimage() is wanted as well; no input of the kernel
};

/// What kernels/kernels.toml lists.
struct KernelTable {
  std::vector<Base> bases;
  std::vector<Profile> profiles;
  std::vector<Model> models;

  /// Exit::user, with the names there are, when there is none of that name.
  Result<Base> base(const std::string& name) const;
  Result<Profile> profile(const std::string& name) const;
  Result<Model> model(const std::string& name) const;
};

/// Parses and checks. Exit::user, with file and line, when a key is unknown, missing or wrong.
Result<KernelTable> parse_kernel_table(std::string_view text, const std::string& file_name);
/// Reads `folder`/kernels.toml.
Result<KernelTable> load_kernel_table(const std::filesystem::path& folder);

}  // namespace nslab
