// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "result.h"

namespace nslab {

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

/// The whole file. Exit::user when it cannot be read.
Result<std::string> read_file(const std::filesystem::path& path);

/// Writes beside the target, syncs and renames, so that the file is either the old or the new one.
Result<void> write_file(const std::filesystem::path& path, std::string_view content);

/// mkdir -p, as an error that names the folder.
Result<void> make_folders(const std::filesystem::path& path);

/// A folder that goes with the object.
class TempFolder {
 public:
  /// Made in `parent` (which is made too), with a name that starts with `prefix`.
  static Result<TempFolder> make(const std::filesystem::path& parent, const std::string& prefix);
  /// Made at just this path, anew: what is there goes first.
  static Result<TempFolder> make_at(const std::filesystem::path& path);
  /// Removes those that a killed process left in `parent`. The caller holds the lock on what bears the prefix.
  static Result<void> sweep(const std::filesystem::path& parent, const std::string& prefix);
  TempFolder(TempFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempFolder& operator=(TempFolder&& other) noexcept;
  ~TempFolder();
  const std::filesystem::path& path() const { return path_; }
  /// Renames the folder to `target` and lets go of it.
  Result<void> rename_to(const std::filesystem::path& target);

 private:
  explicit TempFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace nslab
