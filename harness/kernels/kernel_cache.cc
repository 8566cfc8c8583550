// SPDX-License-Identifier: GPL-2.0
#include "kernel_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "archives.h"
#include "hash.h"
#include "output.h"
#include "paths.h"
#include "processes.h"
#include "signals.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// Of one profile and model. Each has 360 MB with profile lean, 120 MB with mini.
constexpr std::size_t kMostObjects = 3;

auto say(std::string line) {
  return [line = std::move(line)] { print_err("{}\n", line); };
}

/// Sets times that lie in the future, as they do after the clock was set back, to a moment ago. make would take objects
/// from the future for newer than a config that is written now, and 'flat' would be built as 'multi'. What was newer
/// than something else is not older than that afterwards, so that nothing else looks out of date.
Result<void> bring_to_the_past(const fs::path& folder) {
  using namespace std::chrono_literals;
  // Files get their times from a clock that ticks only every 10 ms on some kernels.
  const auto moment_ago = fs::file_time_type::clock::now() - 20ms;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_symlink(error)) continue;
    if (!error && at->last_write_time(error) > moment_ago && !error) fs::last_write_time(at->path(), moment_ago, error);
    if (error) break;
  }
  if (error) return machine_error("cannot look at the files in {}: {}", folder.string(), error.message());
  return {};
}

/// Gives all files one time long ago. The objects of a kernel were made of this very source, whose hash they have, so
/// that a source tree that is made anew makes none of them out of date.
Result<void> make_old(const fs::path& tree) {
  constexpr std::chrono::sys_days kLongAgo = std::chrono::year{2000} / 1 / 1;
  const auto then = std::chrono::file_clock::from_sys(std::chrono::sys_seconds(kLongAgo));
  std::error_code error;
  for (fs::recursive_directory_iterator at(tree, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_symlink(error) && !error) fs::last_write_time(at->path(), then, error);
    if (error) break;
  }
  if (error) return machine_error("cannot set the times of the files in {}: {}", tree.string(), error.message());
  return {};
}

/// When the folder was last used. A time in the future is of a clock that was wrong and says nothing: the folder counts
/// as never used, until it is.
fs::file_time_type last_use(const fs::path& folder) {
  std::error_code error;
  const auto time = fs::last_write_time(folder, error);
  return error || time > fs::file_time_type::clock::now() ? fs::file_time_type::min() : time;
}

void note_use(const fs::path& folder) {
  std::error_code ignored;  // in a cache that is read only, nobody makes room either
  fs::last_write_time(folder, fs::file_time_type::clock::now(), ignored);
}

}  // namespace

Result<std::string> KernelCache::source_hash(const fs::path& source) const {
  TRY(check_build_folder(folder_));
  struct stat status = {};
  if (stat(source.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return hash_source(source);
  std::error_code error;
  const auto name = fs::absolute(source, error).string();
  if (error) return hash_source(source);
  const auto time = [](const timespec& at) { return fmt::format("{}.{}", at.tv_sec, at.tv_nsec); };
  const std::string key = sha256(
      fmt::format("{} {} {} {} {}", name, status.st_size, status.st_ino, time(status.st_mtim), time(status.st_ctim)));
  const fs::path remembered = folder_ / "source-hashes" / key;
  if (const auto known = read_file(remembered); known && known->size() == 64) return *known;
  auto hash = TRY(hash_source(source));
  TRY(make_folders(remembered.parent_path()));
  TRY(write_file(remembered, hash));
  return hash;
}

Result<fs::path> KernelCache::source_tree(const fs::path& source, const std::string& version,
                                          const std::string& source_hash, const std::vector<Patch>& patches) const {
  Hasher hasher;
  hasher.part("source", source_hash);
  for (const Patch& patch : patches) hasher.part("patch", patch.content);
  const std::string name = hasher.hex().substr(0, 16);
  const fs::path tree = folder_ / "sources" / name;

  const std::string prefix = "source-" + name;
  const auto lock = TRY(FileLock::wait(lock_file(prefix), say("another nslab unpacks this source; waiting for it")));
  if (TRY(has_seal(tree, state_of_tree(tree)))) return tree;
  TRY(make_folders(tree.parent_path()));
  TRY(TempFolder::sweep(temporary(), prefix));
  const auto replaced = TRY(TempFolder::make(temporary(), prefix));
  if (is_there(tree)) {
    print_err("nslab: {} was written to since it was unpacked, or copied from elsewhere: it is made anew\n",
              tree.string());
    std::error_code error;
    fs::rename(tree, replaced.path() / "tree", error);
    if (error) return machine_error("cannot remove {}: {}", tree.string(), error.message());
  }
  print_err("unpacking {}\n", source.string());
  auto made = TRY(TempFolder::make(temporary(), prefix));
  TRY(make_source_tree(source, version, source_hash, patches, made.path()));
  TRY(make_old(made.path()));
  TRY(made.rename_to(tree));
  TRY(seal(tree, TRY(state_of_tree(tree))));
  return tree;
}

Result<void> KernelCache::check_source_tree(const fs::path& tree) const {
  if (TRY(has_seal(tree, state_of_tree(tree)))) return {};
  return user_error("{} was written to during the build, so that the kernel is not kept: build it again",
                    tree.string());
}

Result<void> KernelCache::seal(const fs::path& folder, const std::string& state) const {
  TRY(make_folders(seal_of(folder).parent_path()));
  return write_file(seal_of(folder), state);
}

Result<bool> KernelCache::has_seal(const fs::path& folder, const Result<std::string>& state) const {
  if (!state && interrupted()) return state.error();  // it says nothing about the folder
  const auto seal = read_file(seal_of(folder));
  return seal && state && *seal == *state;
}

Kernel KernelCache::kernel(const std::string& model, const std::string& hash) const {
  return {model, hash, folder_ / "kernels" / hash};
}

bool KernelCache::is_built(const Kernel& kernel) const { return is_there(kernel.manifest()); }

bool KernelCache::has_objects(const std::string& profile, const Kernel& kernel) const {
  return is_there(objects_of(profile, kernel));
}

fs::path KernelCache::objects_of(const std::string& profile, const Kernel& kernel) const {
  return folder_ / "objects" / fmt::format("{}-{}-{}", profile, kernel.name, kernel.hash);
}

Result<FileLock> KernelCache::lock(const Kernel& kernel) const {
  return FileLock::wait(lock_file("kernel-" + kernel.hash),
                        say(fmt::format("another nslab builds {}; waiting for it", kernel.name)));
}

Result<FileLock> KernelCache::lock_tree(const std::string& name) const {
  TRY(check_build_folder(folder_));
  return FileLock::wait(lock_file("tree-" + name), say("another nslab works on this tree; waiting for it"));
}

Result<BuildPlace> KernelCache::build_place(const std::string& family) const {
  const std::string name = "build-" + family.substr(0, 16);
  auto lock = TRY(FileLock::wait(lock_file(name), say("another build of this profile goes on; waiting for it")));
  TRY(TempFolder::sweep(temporary(), name));
  auto folder = TRY(TempFolder::make_at(temporary() / name));
  return BuildPlace{std::move(lock), std::move(folder)};
}

Result<bool> KernelCache::copy_objects(const std::string& profile, const Kernel& kernel, const fs::path& folder) const {
  const fs::path objects = objects_of(profile, kernel);
  {
    const auto lock = TRY(FileLock::wait(lock_file(objects.filename()), say("another nslab uses the same objects")));
    if (!is_there(objects)) return false;
    if (!TRY(has_seal(objects, hash_tree(objects)))) {
      print_err("nslab: {} was written to since it was made: its objects are not used\n", objects.string());
      TRY(remove_objects(objects));
      return false;
    }
    note_use(objects);
    const auto copied =
        TRY(run_captured({.argv = {"cp", "-a", "--reflink=auto", (objects / ".").string(), folder.string()}}));
    if (copied.status != 0) return machine_error("cannot copy {}:\n{}", objects.string(), copied.output);
  }
  TRY(bring_to_the_past(folder));
  return true;
}

Result<void> KernelCache::keep_kernel(const Kernel& kernel, const fs::path& build_folder) const {
  // The name starts like the build folder's, so that who sweeps the one sweeps the other.
  auto result = TRY(TempFolder::make(temporary(), build_folder.filename()));
  std::error_code error;
  const std::pair<const char*, const char*> kept[] = {{"vmlinux", "vmlinux"},
                                                      {"arch/x86/boot/bzImage", "bzImage"},
                                                      {"System.map", "System.map"},
                                                      {".config", "config"},
                                                      {"build.log", "build.log"},
                                                      {"sizes.json", "sizes.json"},
                                                      {"manifest.json", "manifest.json"}};
  for (const auto& [from, to] : kept) {
    fs::rename(build_folder / from, result.path() / to, error);
    if (error) return machine_error("cannot keep {}: {}", from, error.message());
  }
  if (!is_built(kernel)) return keep(kernel, std::move(result));
  // Its objects were missing, or its bzImage: the build gave the same bits again.
  if (is_there(kernel.bzimage())) return {};
  // The manifest first: who looks meanwhile finds nothing that it does not name.
  for (const fs::path& file : {kernel.manifest(), kernel.bzimage()}) {
    fs::rename(result.path() / file.filename(), file, error);
    if (error) return machine_error("cannot keep {}: {}", file.string(), error.message());
  }
  return {};
}

Result<TempFolder> KernelCache::folder_for(const Kernel& kernel) const {
  const std::string name = "given-" + kernel.hash.substr(0, 16);
  TRY(TempFolder::sweep(temporary(), name));
  return TempFolder::make(temporary(), name);
}

Result<void> KernelCache::remove(const Kernel& kernel) const {
  std::error_code error;
  fs::remove_all(kernel.folder, error);
  if (error) return machine_error("cannot remove {}: {}", kernel.folder.string(), error.message());
  return {};
}

Result<void> KernelCache::keep(const Kernel& kernel, TempFolder made) const {
  std::error_code error;
  constexpr fs::perms kReadable = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                  fs::perms::others_read | fs::perms::others_exec;
  fs::permissions(made.path(), kReadable, error);
  TRY(make_folders(kernel.folder.parent_path()));
  return made.rename_to(kernel.folder);
}

Result<void> KernelCache::keep_objects(const std::string& profile, const Kernel& kernel,
                                       TempFolder build_folder) const {
  const fs::path kept = objects_of(profile, kernel);
  TRY(make_folders(kept.parent_path()));
  std::error_code ignored;
  // Every link makes these anew.
  for (const char* linked : {"vmlinux.o", "vmlinux.a"}) fs::remove(build_folder.path() / linked, ignored);
  {
    const auto lock = TRY(FileLock::wait(lock_file(kept.filename()), say("another nslab uses the same objects")));
    // Objects whose kernel was damaged and had to be built anew.
    const auto replaced = TRY(TempFolder::make(temporary(), build_folder.path().filename()));
    fs::rename(kept, replaced.path() / "objects", ignored);
    note_use(build_folder.path());
    const std::string hash = TRY(hash_tree(build_folder.path()));
    TRY(build_folder.rename_to(kept));
    TRY(seal(kept, hash));
  }
  return make_room(profile, kernel);
}

Result<void> KernelCache::remove_objects(const fs::path& objects) const {
  // By one rename, so that nobody who is killed here leaves half of them.
  const auto unused = TRY(TempFolder::make(temporary(), "unused-objects"));
  std::error_code error;
  fs::rename(objects, unused.path() / "objects", error);
  if (error) return machine_error("cannot remove {}: {}", objects.string(), error.message());
  fs::remove(seal_of(objects), error);
  return {};
}

Result<void> KernelCache::make_room(const std::string& profile, const Kernel& kernel) const {
  const fs::path folder = folder_ / "objects";
  // One process makes room at a time. Who comes meanwhile leaves one folder too many, which the next one removes.
  const auto lock = TRY(FileLock::attempt(lock_file("objects")));
  if (!lock) return {};
  TRY(TempFolder::sweep(temporary(), "unused-objects"));
  const std::string prefix = fmt::format("{}-{}-", profile, kernel.name);
  std::vector<fs::path> kept;
  for (const fs::path& entry : TRY(entries_of(folder))) {
    const std::string name = entry.filename();
    // The length tells "lean-multi-HASH" from "lean-multi-twin-HASH".
    if (name.starts_with(prefix) && name.size() == prefix.size() + kernel.hash.size() &&
        entry != objects_of(profile, kernel))
      kept.push_back(entry);
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const fs::path& a, const fs::path& b) { return last_use(a) > last_use(b); });
  for (std::size_t i = kMostObjects - 1; i < kept.size(); ++i) {
    const auto in_use = TRY(FileLock::attempt(lock_file(kept[i].filename())));
    if (!in_use) continue;
    TRY(remove_objects(kept[i]));
  }
  return {};
}

}  // namespace nslab
