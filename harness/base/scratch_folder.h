// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>

#include "files.h"
#include "result.h"

namespace nslab {

/// A temporary folder that others can tell from one whose process was killed: the folder itself carries a lock
/// (flock(2)), which goes when the process ends, however that ends. Threads and processes may make and sweep at once.
class ScratchFolder {
 public:
  /// Makes a folder in `parent`, with a name that starts with `prefix`. Removes those of this prefix first that killed
  /// processes left there.
  static Result<ScratchFolder> make(const std::filesystem::path& parent, const std::string& prefix);
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  ScratchFolder(Fd lock, TempFolder folder) : lock_(std::move(lock)), folder_(std::move(folder)) {}
  Fd lock_;
  TempFolder folder_;  ///< last, so that the folder goes before the lock does
};

}  // namespace nslab
