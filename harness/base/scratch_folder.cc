// SPDX-License-Identifier: GPL-2.0
#include "scratch_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace nslab {
namespace fs = std::filesystem;

namespace {

// A sweeper may take a new folder in the moment before its maker locks it. That it does so this many times is a bug.
constexpr int kMostTries = 100;

/// No link is followed: in /tmp, the names are anybody's.
Fd open_folder(const fs::path& folder) {
  return Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool is_locked_by_another(const Fd& folder) { return ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0; }

/// What cannot be opened is another user's, and what cannot be removed is tried again the next time.
void sweep_dead(const fs::path& parent, const std::string& prefix) {
  const auto entries = entries_of(parent);
  if (!entries) return;
  for (const fs::path& entry : *entries) {
    if (!entry.filename().string().starts_with(prefix + ".")) continue;
    const Fd folder = open_folder(entry);
    if (!folder.valid() || is_locked_by_another(folder)) continue;
    std::error_code ignored;
    fs::remove_all(entry, ignored);
  }
}

}  // namespace

Result<ScratchFolder> ScratchFolder::make(const fs::path& parent, const std::string& prefix) {
  sweep_dead(parent, prefix);
  for (int i = 0; i < kMostTries; ++i) {
    auto folder = TRY(TempFolder::make(parent, prefix));
    Fd lock = open_folder(folder.path());
    // A file system without locks refuses ours and the sweepers' alike: then nobody sweeps.
    if (!lock.valid() || (is_locked_by_another(lock) && errno == EWOULDBLOCK)) continue;
    // A sweeper that was quicker has removed what we have opened.
    if (is_folder(folder.path())) return ScratchFolder(std::move(lock), std::move(folder));
  }
  return Error{Exit::bug, fmt::format("every new folder {}.* in {} was swept at once", prefix, parent.string())};
}

}  // namespace nslab
