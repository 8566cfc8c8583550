// SPDX-License-Identifier: GPL-2.0
#include "paths.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "files.h"
#include "json.h"

namespace nslab {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// For a message: what a terminal may not get to see as it is, escaped.
std::string shown_name(const std::string& name) {
  std::string shown;
  for (const unsigned char c : name) {
    shown += c > ' ' && c <= '~' ? std::string(1, static_cast<char>(c)) : c == ' ' ? " " : fmt::format("\\x{:02x}", c);
  }
  return shown;
}

}  // namespace

std::filesystem::path Paths::named(const std::filesystem::path& name) const {
  if (name.is_relative() && !is_there(name) && is_there(root / name)) return root / name;
  return name;
}

Result<std::filesystem::path> temporary_folder() {
  const auto named = variable("TMPDIR");
  if (named.empty()) return std::filesystem::path("/tmp");
  if (!is_folder(named)) {
    return user_error("TMPDIR is {}, and there is no such folder: set it to a folder, or unset it", named);
  }
  return std::filesystem::path(named);
}

Result<void> check_build_folder(const std::filesystem::path& folder) {
  const std::string& name = folder.native();
  const std::string shown = shown_name(name);
  // A comma ends a file's name in the options that the kernel's tools/ give to the preprocessor.
  constexpr std::string_view kHarmless = "/._-+@";
  const auto harmless = [&](unsigned char c) {
    return c >= 0x80 || std::isalnum(c) != 0 || kHarmless.find(static_cast<char>(c)) != std::string_view::npos;
  };
  const auto error = [&](const std::string& why) {
    return user_error(
        "no kernel can be built in the cache folder {}: {}. Set NSLAB_CACHE to a folder whose name has only letters, "
        "digits and /._-+@",
        shown, why);
  };
  const auto bad = std::find_if_not(name.begin(), name.end(), harmless);
  if (bad != name.end()) {
    return error(*bad == ' ' ? std::string("the kernel's make takes no blank in its name")
                             : fmt::format("the kernel's make takes no {} in its name", shown_name({bad, bad + 1})));
  }
  // JSON's strings are UTF-8, and its parser checks that.
  if (!parse_json("\"" + name + "\"")) return error("its name is no UTF-8");
  return {};
}

Result<Paths> find_paths_to_read() {
  Paths paths;
  std::error_code error;
  const auto prefix = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  if (is_there(prefix / "share/nslab/kernels/kernels.toml")) {
    paths.root = prefix / "share/nslab";
    paths.guest = prefix / "lib/nslab";
    paths.plugins = paths.guest;
    paths.results = std::filesystem::current_path(error) / "results";
  } else {
    paths.root = NSLAB_ROOT;
    paths.guest = NSLAB_GUEST;
    paths.plugins = NSLAB_PLUGINS;
    paths.results = paths.root / "results";
  }
  if (const auto cache = variable("NSLAB_CACHE"); !cache.empty()) {
    paths.cache = cache;
  } else if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) {
    paths.cache = std::filesystem::path(xdg) / "nslab";
  } else if (const auto home = variable("HOME"); !home.empty()) {
    paths.cache = std::filesystem::path(home) / ".cache" / "nslab";
  } else {
    return paths;
  }
  paths.cache = std::filesystem::absolute(paths.cache, error);
  if (error) return machine_error("the cache folder {}: {}", paths.cache.string(), error.message());
  return paths;
}

Result<Paths> find_paths() {
  auto paths = TRY(find_paths_to_read());
  if (paths.cache.empty()) {
    return machine_error("there is no place for the cache: set NSLAB_CACHE to a folder with 10 GB of room");
  }
  return paths;
}

}  // namespace nslab
