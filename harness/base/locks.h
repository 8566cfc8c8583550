// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "files.h"
#include "result.h"

namespace nslab {

/// An exclusive flock(2) on a file. The object holds it until it is destroyed, and the kernel releases it when the
/// process ends, however that ends, unless a child has inherited the descriptor.
class FileLock {
 public:
  /// Waits for the lock. `on_wait` is called once when another process holds it.
  template <class OnWait>
  static Result<FileLock> wait(const std::filesystem::path& path, OnWait on_wait) {
    auto lock = attempt(path);
    if (!lock || lock->has_value()) return lock ? Result<FileLock>(std::move(**lock)) : Result<FileLock>(lock.error());
    on_wait();
    return block(path);
  }
  /// The lock, or nothing when another process holds it.
  static Result<std::optional<FileLock>> attempt(const std::filesystem::path& path);
  /// The descriptor, for a child that inherits it. The lock is then held until the last of the child's descendants
  /// ends.
  int fd() const { return fd_.get(); }

 private:
  static Result<FileLock> block(const std::filesystem::path& path);
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace nslab
