// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "result.h"

namespace nslab {

/// What a child process is started with.
struct Command {
  std::vector<std::string> argv;
  std::filesystem::path folder = {};                    ///< empty: the caller's
  std::map<std::string, std::string> environment = {};  ///< added to the caller's
  std::filesystem::path output = {};                    ///< stdout and stderr go here; empty: inherited
  int inherited_fd = -1;                                ///< stays open in the child and in what it starts
  int death_signal = SIGKILL;                           ///< what the child gets when its parent dies
};

/// A running child in a process group of its own. It dies with its parent, and the destructor kills and reaps it.
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

}  // namespace nslab
