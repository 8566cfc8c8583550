// SPDX-License-Identifier: GPL-2.0
#include "paths.h"

#include <cstdlib>

namespace nslab {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::filesystem::path Paths::named(const std::filesystem::path& name) const {
  std::error_code error;
  if (name.is_relative() && !std::filesystem::exists(name, error) && std::filesystem::exists(root / name, error))
    return root / name;
  return name;
}

Result<Paths> find_paths_to_read() {
  Paths paths;
  std::error_code error;
  const auto prefix = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  if (std::filesystem::exists(prefix / "share/nslab/kernels/kernels.toml", error)) {
    paths.root = prefix / "share/nslab";
    paths.guest = prefix / "lib/nslab";
    paths.results = std::filesystem::current_path(error) / "results";
  } else {
    paths.root = NSLAB_ROOT;
    paths.guest = NSLAB_GUEST;
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
