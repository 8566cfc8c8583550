// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

/// The whole file. Exit::user when it cannot be read.
Result<std::string> read_file(const std::filesystem::path& path);

/// Writes beside the target, syncs and renames, so that the file is either the old or the new one.
Result<void> write_file(const std::filesystem::path& path, std::string_view content);

/// mkdir -p, as an error that names the folder.
Result<void> make_folders(const std::filesystem::path& path);

/// Seconds of CLOCK_MONOTONIC.
double monotonic_seconds();

/// The present time in UTC, ISO 8601, in seconds: "2025-01-31T12:00:00Z".
std::string utc_now();

/// An exclusive flock(2) on a file, held for the object's life. The lock ends with the process, however that ends,
/// unless a child has inherited it.
class FileLock {
 public:
  /// Waits for the lock; `on_wait` is called once when another process holds it.
  template <class OnWait>
  static Result<FileLock> wait(const std::filesystem::path& path, OnWait on_wait) {
    auto lock = attempt(path);
    if (!lock || lock->has_value()) return lock ? Result<FileLock>(std::move(**lock)) : Result<FileLock>(lock.error());
    on_wait();
    return block(path);
  }
  /// The lock, or nothing when another process holds it.
  static Result<std::optional<FileLock>> attempt(const std::filesystem::path& path);
  /// For a child that inherits it: the lock is then held until the last of its descendants has ended.
  int fd() const { return fd_.get(); }

 private:
  static Result<FileLock> block(const std::filesystem::path& path);
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

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

/// What a child process is started with.
struct Command {
  std::vector<std::string> argv;
  std::filesystem::path folder;                    ///< empty: the caller's
  std::map<std::string, std::string> environment;  ///< added to the caller's
  std::filesystem::path output;                    ///< stdout and stderr go here; empty: inherited
  int inherited_fd = -1;                           ///< stays open in the child and in what it starts
  int death_signal = SIGKILL;                      ///< what the child gets when its parent dies
};

/// A running child, in a process group of its own and dying with its parent. The destructor kills and reaps it.
class Process {
 public:
  /// Exit::machine when the program cannot be started.
  static Result<Process> start(const Command& command);
  Process(Process&& other) noexcept : pid_(other.pid_), status_(other.status_) { other.pid_ = -1; }
  Process& operator=(Process&& other) noexcept;
  ~Process();

  /// The wait status once the child has ended, waiting at most so long.
  std::optional<int> wait_for(double seconds);
  void kill(int signal);
  int pid() const { return pid_; }

 private:
  explicit Process(int pid) : pid_(pid) {}
  int pid_ = -1;
  std::optional<int> status_;
};

/// "exit status 2" or "signal 9 (Killed)".
std::string describe_status(int wait_status);

struct Captured {
  int status = 0;  ///< wait status
  std::string output;
};
/// Runs to the end with stdout and stderr captured together.
Result<Captured> run_captured(const Command& command);

/// True from the first SIGINT or SIGTERM on; work in progress looks at it, ends cleanly, and a second signal ends at
/// once.
bool interrupted();
void install_interrupt_handlers();
/// What an interrupted verb returns.
Error interruption();

}  // namespace nslab
