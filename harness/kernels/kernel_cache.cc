// SPDX-License-Identifier: GPL-2.0
#include "kernel_cache.h"

#include "hash.h"
#include "output.h"
#include "processes.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

auto say(std::string line) {
  return [line = std::move(line)] { print_err("{}\n", line); };
}

}  // namespace

Result<std::string> KernelCache::source_hash(const fs::path& source) const {
  std::error_code error;
  const auto size = fs::file_size(source, error);
  if (error) return hash_source(source);  // it is a folder, or is missing
  const auto mtime = fs::last_write_time(source, error).time_since_epoch().count();
  const std::string key = sha256(fmt::format("{} {} {}", fs::absolute(source).string(), size, mtime));
  const fs::path remembered = folder_ / "source-hashes" / key;
  if (const auto known = read_file(remembered); known && known->size() == 64) return *known;
  auto hash = TRY(hash_source(source));
  TRY(make_folders(remembered.parent_path()));
  TRY(write_file(remembered, hash));
  return hash;
}

Result<fs::path> KernelCache::source_tree(const fs::path& source, const std::string& source_hash,
                                          const std::vector<Patch>& patches) const {
  Hasher hasher;
  hasher.part("source", source_hash);
  for (const Patch& patch : patches) hasher.part("patch", patch.content);
  const std::string name = hasher.hex().substr(0, 16);
  const fs::path tree = folder_ / "sources" / name;

  const std::string prefix = "source-" + name;
  const auto lock = TRY(FileLock::wait(lock_file(prefix), say("another nslab unpacks this source; waiting for it")));
  if (fs::exists(tree)) return tree;
  print_err("unpacking {}\n", source.string());
  TRY(make_folders(tree.parent_path()));
  TRY(TempFolder::sweep(temporary(), prefix));
  auto made = TRY(TempFolder::make(temporary(), prefix));
  TRY(make_source_tree(source, patches, made.path()));
  TRY(made.rename_to(tree));
  return tree;
}

Kernel KernelCache::kernel(const std::string& model, const std::string& hash) const {
  return {model, hash, folder_ / "kernels" / hash};
}

bool KernelCache::is_built(const Kernel& kernel) const { return fs::exists(kernel.manifest()); }

bool KernelCache::has_objects(const std::string& profile, const Kernel& kernel) const {
  return fs::exists(objects_of(profile, kernel));
}

fs::path KernelCache::objects_of(const std::string& profile, const Kernel& kernel) const {
  return folder_ / "objects" / fmt::format("{}-{}-{}", profile, kernel.name, kernel.hash);
}

Result<FileLock> KernelCache::lock(const Kernel& kernel) const {
  return FileLock::wait(lock_file("kernel-" + kernel.hash),
                        say(fmt::format("another nslab builds {}; waiting for it", kernel.name)));
}

Result<BuildPlace> KernelCache::build_place(const std::string& family) const {
  const std::string name = "build-" + family.substr(0, 16);
  auto lock = TRY(FileLock::wait(lock_file(name), say("another build of this profile goes on; waiting for it")));
  TRY(TempFolder::sweep(temporary(), name));
  auto folder = TRY(TempFolder::make_at(temporary() / name));
  return BuildPlace{std::move(lock), std::move(folder)};
}

Result<void> KernelCache::copy_objects(const std::string& profile, const Kernel& kernel, const fs::path& folder) const {
  const fs::path objects = objects_of(profile, kernel);
  const auto copied =
      TRY(run_captured({.argv = {"cp", "-a", "--reflink=auto", (objects / ".").string(), folder.string()}}));
  if (copied.status != 0) return machine_error("cannot copy {}:\n{}", objects.string(), copied.output);
  return {};
}

Result<void> KernelCache::keep_kernel(const Kernel& kernel, const fs::path& build_folder) const {
  // The name starts like the build folder's, so that who sweeps the one sweeps the other.
  auto result = TRY(TempFolder::make(temporary(), build_folder.filename()));
  std::error_code error;
  const std::pair<const char*, const char*> kept[] = {{"vmlinux", "vmlinux"},       {"System.map", "System.map"},
                                                      {".config", "config"},        {"build.log", "build.log"},
                                                      {"sizes.json", "sizes.json"}, {"manifest.json", "manifest.json"}};
  for (const auto& [from, to] : kept) {
    fs::rename(build_folder / from, result.path() / to, error);
    if (error) return machine_error("cannot keep {}: {}", from, error.message());
  }
  if (is_built(kernel)) return {};  // only its objects were missing, and gave the same bits again
  constexpr fs::perms kReadable = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                  fs::perms::others_read | fs::perms::others_exec;
  fs::permissions(result.path(), kReadable, error);
  TRY(make_folders(kernel.folder.parent_path()));
  return result.rename_to(kernel.folder);
}

Result<void> KernelCache::keep_objects(const std::string& profile, const Kernel& kernel,
                                       TempFolder build_folder) const {
  const fs::path kept = objects_of(profile, kernel);
  TRY(make_folders(kept.parent_path()));
  const std::string prefix = fmt::format("{}-{}-", profile, kernel.name);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(kept.parent_path(), error)) {
    const std::string name = entry.path().filename();
    // The length tells "lean-multi-HASH" from "lean-multi-twin-HASH".
    if (name.starts_with(prefix) && name.size() == prefix.size() + kernel.hash.size())
      fs::remove_all(entry.path(), error);
  }
  if (error) return machine_error("cannot make room for {}: {}", kept.string(), error.message());
  // Every link makes these anew.
  for (const char* linked : {"vmlinux.o", "vmlinux.a"}) fs::remove(build_folder.path() / linked, error);
  return build_folder.rename_to(kept);
}

}  // namespace nslab
