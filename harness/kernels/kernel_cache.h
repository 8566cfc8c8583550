// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "files.h"
#include "kernel_source.h"
#include "locks.h"
#include "result.h"

namespace nslab {

/// A kernel in the cache, or where it will be.
struct Kernel {
  std::string name;  ///< the model's
  std::string hash;  ///< of all that went into it, 64 hexadecimal digits
  std::filesystem::path folder;

  std::filesystem::path vmlinux() const { return folder / "vmlinux"; }
  /// The same, compressed: when it unpacks itself at boot it chooses its addresses at random (KASLR). A vmlinux that
  /// was given has none, nor does a kernel that an earlier nslab has kept.
  std::filesystem::path bzimage() const { return folder / "bzImage"; }
  std::filesystem::path sizes() const { return folder / "sizes.json"; }
  std::filesystem::path manifest() const { return folder / "manifest.json"; }
};

/// The folder that a build writes to, and the lock that keeps others out. The folder goes before the lock does.
struct BuildPlace {
  FileLock lock;
  TempFolder folder;
};

/// What kernel builds leave for the next ones, in a folder outside of the checkout:
///
///   sources/        unpacked and patched source trees
///   kernels/        finished kernels, by hash
///   objects/        build folders of models that are build bases, by profile, model and hash: of each profile and
///                   model those that were used last, three at the most
///   seals/          what each of sources/ and objects/ was when it was put there, the state_of_tree() of the former
///   and
///                   the hash_tree() of the latter: what somebody has written to since is made anew
///   trees/          source trees of users', each with its build folders
///   source-hashes/  hashes of tarballs, so that these are read once
///   locks/, tmp/    what is under way
///
/// Several processes may use one cache at once. Who makes something holds its lock; the others wait and take the
/// result. A thing is made in tmp/ and appears by one rename, so that an interrupted process leaves nothing half-made.
/// What a killed process left in tmp/ is removed by the next one that holds the same lock.
class KernelCache {
 public:
  explicit KernelCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Every build begins here: Exit::user when no kernel can be built in the cache's folder (check_build_folder()).
  ///
  /// hash_source(), but a tarball is read once: its hash is remembered for its name, size, inode and times.
  Result<std::string> source_hash(const std::filesystem::path& source) const;
  /// The source tree with these patches applied, made (make_source_tree()) unless it is there as it was made.
  /// `source_hash` is the source's own.
  Result<std::filesystem::path> source_tree(const std::filesystem::path& source, const std::string& version,
                                            const std::string& source_hash, const std::vector<Patch>& patches) const;

  /// Exit::user when the tree, of source_tree(), has been written to since it was made.
  Result<void> check_source_tree(const std::filesystem::path& tree) const;

  /// Where the kernel of this hash is, or would be.
  Kernel kernel(const std::string& model, const std::string& hash) const;
  bool is_built(const Kernel& kernel) const;
  bool has_objects(const std::string& profile, const Kernel& kernel) const;

  /// The lock on one kernel, for as long as it is built.
  Result<FileLock> lock(const Kernel& kernel) const;
  /// The empty folder in which all kernels of a family are built, one after the other: Kbuild compiles some of its own
  /// programs anew when the folder's name has changed.
  Result<BuildPlace> build_place(const std::string& family) const;
  /// Copies the kept build folder of a kernel to `folder`, with the files' times, which make compares; times in the
  /// future become those of a moment ago. False when there is none: another process may have made room meanwhile, or
  /// somebody had written to it, and it is removed.
  Result<bool> copy_objects(const std::string& profile, const Kernel& kernel,
                            const std::filesystem::path& folder) const;

  /// An empty folder to make a kernel in, for keep(). The caller holds the kernel's lock.
  Result<TempFolder> folder_for(const Kernel& kernel) const;
  /// Makes the folder the kernel: it has what Kernel names, but for the sizes of a kernel that we have not built.
  Result<void> keep(const Kernel& kernel, TempFolder made) const;
  /// Removes the kernel from the cache, if it is there.
  Result<void> remove(const Kernel& kernel) const;

  /// Where a source tree of a user's is checked out and built (source_tree.h), and the lock on that.
  std::filesystem::path tree_folder(const std::string& name) const { return folder_ / "trees" / name; }
  Result<FileLock> lock_tree(const std::string& name) const;

  /// Moves what is worth keeping out of a finished build's folder, and makes it the kernel. One that is there already
  /// stays, but for a bzImage that it lacks.
  Result<void> keep_kernel(const Kernel& kernel, const std::filesystem::path& build_folder) const;
  /// Keeps the build folder itself, for copy_objects(), after keep_kernel(). Of one profile and model, three are kept:
  /// a few checkouts with different series can share a cache, and earlier series and compilers do not fill the disk (a
  /// folder has 360 MB with profile lean). The one that was not used for the longest time goes first, and none goes
  /// that another process copies just now.
  Result<void> keep_objects(const std::string& profile, const Kernel& kernel, TempFolder build_folder) const;

 private:
  /// Notes what a folder of sources/ or objects/ is, for has_seal().
  Result<void> seal(const std::filesystem::path& folder, const std::string& state) const;
  Result<bool> has_seal(const std::filesystem::path& folder, const Result<std::string>& state) const;
  std::filesystem::path seal_of(const std::filesystem::path& folder) const {
    return folder_ / "seals" / folder.filename();
  }
  /// The caller holds the objects' lock.
  Result<void> remove_objects(const std::filesystem::path& objects) const;
  Result<void> make_room(const std::string& profile, const Kernel& kernel) const;
  std::filesystem::path objects_of(const std::string& profile, const Kernel& kernel) const;
  std::filesystem::path temporary() const { return folder_ / "tmp"; }
  std::filesystem::path lock_file(const std::string& name) const { return folder_ / "locks" / name; }

  std::filesystem::path folder_;
};

}  // namespace nslab
