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
///
/// A child gets a scrubbed environment: LC_ALL=C, TZ=UTC, a known PATH, and what `environment` adds. The caller's
/// PATH does not say where argv[0] is found, either, nor does the child get files that the caller has open. The
/// caller's variables would otherwise decide what a compiler makes (KCFLAGS, CC, MAKEFLAGS) or in which language a tool
/// answers, while the hash of the result names none of them. The umask is 022 for the same reason, and limits that the
/// caller could raise (ulimit -S) are raised.
struct Command {
  std::vector<std::string> argv;
  std::filesystem::path folder = {};                    ///< empty: the caller's
  std::map<std::string, std::string> environment = {};  ///< added
  bool inherits_environment = false;                    ///< start from the caller's environment instead
  std::filesystem::path output = {};                    ///< stdout and stderr go here; empty: inherited
  std::vector<int> inherited_fds = {};                  ///< stay open in the child and in what it starts
  int death_signal = SIGKILL;                           ///< what the child gets when its parent dies
  /// Started by root, the child becomes the user nobody, with `group` (-1: none) as its only other group, once it is in
  /// its folder. Where that is not possible, as in a user namespace without that user, it stays what it is.
  bool as_nobody = false;
  int group = -1;
};

/// The user and the group of `as_nobody`.
constexpr unsigned kNobody = 65534;

/// A running child in a process group of its own. It dies with its parent, and the destructor kills and reaps it.
class Process {
 public:
  /// Exit::machine when the program cannot be started. stdout and stderr go to `output_fd` where that is given and
  /// `command.output` is empty.
  static Result<Process> start(const Command& command, int output_fd = -1);
  Process(Process&& other) noexcept : pid_(other.pid_), status_(other.status_) { other.pid_ = -1; }
  Process& operator=(Process&& other) noexcept;
  ~Process();

  /// The wait status once the child has ended, waiting at most so long. Returns early, without a status, once a
  /// signal asks for the program's end: the caller decides what becomes of the child.
  std::optional<int> wait_for(double seconds);
  void kill(int signal);
  int pid() const { return pid_; }

 private:
  explicit Process(int pid) : pid_(pid) {}
  int pid_ = -1;
  std::optional<int> status_;
};

/// The first line of what `tool --version` prints. Exit::machine when the tool is missing, with the package that has
/// it, or cannot be run.
Result<std::string> tool_version(const std::string& tool, const std::string& package);

/// For tests: where programs are found, in place of the known PATH; empty: there again.
void set_program_path(const std::string& path);

/// Where this program is in the known PATH; empty when there is none.
std::filesystem::path find_program(const std::string& name);

/// "exit status 2" or "signal 6 (Aborted)". Of signal 9 it says what that most likely means, as we show no status of a
/// child that we have killed ourselves.
std::string describe_status(int wait_status);

struct Captured {
  int status = 0;  ///< wait status
  std::string output;
};
/// Runs to the end with stdout and stderr captured together, in memory.
Result<Captured> run_captured(const Command& command);

}  // namespace nslab
