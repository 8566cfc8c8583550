// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include <cerrno>

#include "signals.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

Result<Fd> open_lock(const fs::path& path) {
  TRY(make_folders(path.parent_path()));
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return machine_error("cannot open the lock {}: {}", path.string(), errno_text());
  return fd;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::attempt(const fs::path& path) {
  auto fd = TRY(open_lock(path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return std::optional(FileLock(std::move(fd)));
  if (errno == EWOULDBLOCK) return std::optional<FileLock>();
  return machine_error("cannot lock {}: {}", path.string(), errno_text());
}

Result<FileLock> FileLock::block(const fs::path& path) {
  auto fd = TRY(open_lock(path));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return machine_error("cannot lock {}: {}", path.string(), errno_text());
    if (interrupted()) return interruption();
  }
  return FileLock(std::move(fd));
}

}  // namespace nslab
