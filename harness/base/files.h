// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// The whole file's content. Exit::user when it cannot be read, Exit::machine when that is not for its sake.
Result<std::string> read_file(const std::filesystem::path& path);

/// Writes a file beside the target, syncs it and renames it, so that readers see either the old or the new content
/// whole. A file that is there keeps its mode, and a symbolic link stays: what it leads to is replaced. Into a device
/// or a pipe the content is written as it is. Exit::machine when the disk or the permissions do not let it.
Result<void> write_file(const std::filesystem::path& path, std::string_view content);

/// What is at a path, symbolic links followed. Where we cannot look (links that go round in a loop, a name that is too
/// long, a folder that we may not search), there is nothing that we could use: these say no, or 0 bytes. The standard
/// library's functions of the same purpose throw.
bool is_there(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
std::uintmax_t size_of_file(const std::filesystem::path& path);

/// The paths of a folder's entries, sorted; none when the folder is missing. Exit::user when it cannot be read.
Result<std::vector<std::filesystem::path>> entries_of(const std::filesystem::path& folder);

/// As mkdir -p. Exit::machine when it cannot; the message names the folder.
Result<void> make_folders(const std::filesystem::path& path);

/// A folder that is removed when the object is destroyed.
class TempFolder {
 public:
  /// Makes a folder in `parent`, with a name that starts with `prefix`. Makes `parent` as well where it is missing.
  static Result<TempFolder> make(const std::filesystem::path& parent, const std::string& prefix);
  /// Makes a folder at just this path. What was there before is removed.
  static Result<TempFolder> make_at(const std::filesystem::path& path);
  /// Removes the folders that a killed process left in `parent`, by their prefix. The caller must hold the lock that
  /// says that no living process uses this prefix.
  static Result<void> sweep(const std::filesystem::path& parent, const std::string& prefix);
  TempFolder(TempFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempFolder& operator=(TempFolder&& other) noexcept;
  ~TempFolder();
  const std::filesystem::path& path() const { return path_; }
  /// Renames the folder to `target`, where it stays: the object no longer owns it.
  Result<void> rename_to(const std::filesystem::path& target);

 private:
  explicit TempFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace nslab
