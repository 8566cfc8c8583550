// SPDX-License-Identifier: GPL-2.0
#include "files.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// More than any file that we read as a whole has; a device such as /dev/zero has no end.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

/// What write_file() left beside this file when it was killed: TARGET.PID.tmp, where no process has that number.
void sweep_beside(const fs::path& target) {
  const std::string prefix = target.filename().string() + ".";
  const auto entries = entries_of(target.parent_path());
  if (!entries) return;
  for (const fs::path& entry : *entries) {
    const std::string name = entry.filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
    const int pid = std::atoi(name.c_str() + prefix.size());
    std::error_code ignored;
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) fs::remove(entry, ignored);
  }
}

Result<void> write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return machine_error("cannot write {}: {}", path.string(), errno_text());
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> read_file(const fs::path& path) {
  const auto failure = [&] {
    const bool of_machine = errno == EMFILE || errno == ENFILE || errno == EIO;
    Error error = user_error("cannot read {}: {}", path.string(), errno_text());
    if (of_machine) error.exit = Exit::machine;
    return error;
  };
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failure();
  std::string content;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure();
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > kMostBytes) return user_error("cannot read {}: it has no end, or is too large", path.string());
  }
}

Result<void> write_file(const fs::path& path, std::string_view content) {
  std::error_code error;
  const fs::path target = fs::weakly_canonical(path, error);  // a link stays, and what it leads to is replaced
  if (error) return machine_error("cannot write {}: {}", path.string(), error.message());
  struct stat status {};
  const bool exists = ::stat(target.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {  // a device or a pipe: there is nothing to replace
    const Fd fd(::open(target.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.valid()) return machine_error("cannot write {}: {}", path.string(), errno_text());
    return write_all(fd.get(), content, path);
  }
  const std::string beside = fmt::format("{}.{}.tmp", target.string(), ::getpid());
  const auto fail = [&](const char* what) {
    Error failure = machine_error("cannot {} {}: {}", what, path.string(), errno_text());
    ::unlink(beside.c_str());
    return failure;
  };
  const Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd.valid()) return fail("create");
  if (exists && ::fchmod(fd.get(), status.st_mode & 07777) != 0) return fail("set the mode of");
  if (const auto written = write_all(fd.get(), content, path); !written) {
    ::unlink(beside.c_str());
    return written;
  }
  if (::fsync(fd.get()) != 0) return fail("sync");
  if (::rename(beside.c_str(), target.c_str()) != 0) return fail("rename to");
  sweep_beside(target);
  return {};
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::uintmax_t size_of_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    entries.push_back(at->path());
  if (error && error != std::errc::no_such_file_or_directory)
    return user_error("cannot read the folder {}: {}", folder.string(), error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

Result<void> make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return machine_error("cannot make the folder {}: {}", path.string(), error.message());
  return {};
}

Result<TempFolder> TempFolder::make(const fs::path& parent, const std::string& prefix) {
  TRY(make_folders(parent));
  std::string name = (parent / (prefix + ".XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)
    return machine_error("cannot make a folder in {}: {}", parent.string(), errno_text());
  return TempFolder(name);
}

Result<TempFolder> TempFolder::make_at(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return machine_error("cannot remove {}: {}", path.string(), error.message());
  TRY(make_folders(path));
  return TempFolder(path);
}

Result<void> TempFolder::sweep(const fs::path& parent, const std::string& prefix) {
  for (const fs::path& entry : TRY(entries_of(parent))) {
    if (!entry.filename().string().starts_with(prefix)) continue;
    std::error_code error;
    fs::remove_all(entry, error);
    if (error) return machine_error("cannot remove {}: {}", entry.string(), error.message());
  }
  return {};
}

TempFolder& TempFolder::operator=(TempFolder&& other) noexcept {
  if (this != &other) {
    TempFolder gone(std::move(*this));
    path_ = std::move(other.path_);
    other.path_.clear();
  }
  return *this;
}

TempFolder::~TempFolder() {
  std::error_code ignored;  // a folder that we fail to remove is in the cache's tmp/, which is swept
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<void> TempFolder::rename_to(const fs::path& target) {
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    return machine_error("cannot rename {} to {}: {}", path_.string(), target.string(), errno_text());
  }
  path_.clear();
  return {};
}

}  // namespace nslab
