// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace nslab::guest {

/// What to run, how deep, and with what. Whatever is set here is set the same way at every depth: a command at depth 0
/// differs from one at depth N in its namespaces and in nothing else.
struct NestedCommand {
  /// Pid namespaces to make below the caller's. The caller itself stays where it is.
  int depth = 0;

  /// Runs in the deepest namespace before the command is started there, in the process that will be its parent. Returns
  /// 0 or an errno. May be empty.
  std::function<int()> prepare;

  /// The program's path; empty to run `prepare` alone. Looked up in PATH when it has no slash.
  std::string program;
  std::vector<std::string> arguments;    ///< argv, the first included
  std::vector<std::string> environment;  ///< "NAME=value" each

  /// Descriptors the command gets: {the caller's, the command's}. All others are closed; when this is empty, the
  /// command inherits them as usual.
  std::vector<std::pair<int, int>> descriptors;

  rlim_t stack_limit = 0;  ///< RLIMIT_STACK of the command (soft), bytes; 0 leaves it

  int residents = 0;      ///< processes that sleep in each of the new namespaces, beside its pid 1; their ids follow 1
  std::string cgroup;     ///< the folder of the cgroup that the command and the new namespaces belong to; empty: as is
  bool move_ids = false;  ///< whether NestedProcess::move_ids() will be called
};

/// Starts processes that sleep until they are killed or the caller ends, and returns when all sleep. 0 or an errno.
int start_residents(int count);

/// Writes a number or a text to a file of the kernel's. 0 or an errno.
int write_setting(const std::string& path, const std::string& text);

/// Has the next process of the caller's pid namespace get this id, or the next one that is free, and looks whether the
/// kernel says so. 0 or an errno; ENOENT on a kernel without PID_NS, which has no such setting.
int move_next_id(int next);

/// How it ended.
struct NestResult {
  enum class Kind {
    ended,    ///< the command ran: `status` is its exit status, or 128 + the signal that killed it
    refused,  ///< the kernel refused a pid namespace: `level` and `error` say which and how
    failed,   ///< anything else went wrong before the command ran: `step`, `level` and `error`
  };
  Kind kind = Kind::failed;
  int status = 0;
  int level = 0;     ///< the namespace being made or in use, 0 is the caller's
  int error = 0;     ///< errno
  std::string step;  ///< what failed, as "mount /proc"
};

/// A command on its way: started by start_nested(), to be waited for once.
class NestedProcess {
 public:
  NestedProcess(pid_t launcher, int report, int move, int moved)
      : launcher_(launcher), report_(report), move_(move), moved_(moved) {}
  NestedProcess(const NestedProcess&) = delete;
  NestedProcess& operator=(const NestedProcess&) = delete;
  NestedProcess(NestedProcess&& other) noexcept
      : launcher_(std::exchange(other.launcher_, -1)),
        report_(std::exchange(other.report_, -1)),
        move_(std::exchange(other.move_, -1)),
        moved_(std::exchange(other.moved_, -1)) {}
  NestedProcess& operator=(NestedProcess&&) = delete;
  ~NestedProcess();

  /// move_next_id() in each of the `depth` new namespaces, while the command runs. 0 or an errno. Once at most.
  int move_ids(int depth, int next);

  /// Waits for the end, and reaps whatever else ends meanwhile: the caller may be PID 1.
  NestResult wait();

 private:
  pid_t launcher_;
  int report_;
  int move_;   ///< each new namespace's pid 1 takes one number of it: the id; -1: none listens
  int moved_;  ///< and says here how it went: 0 or an errno
};

/// Starts the command `depth` namespaces down.
///
/// caller ── launcher ── pid 1 of level 1 ── … ── pid 1 of level N ── command
///
/// Each level has its own mount namespace and /proc. Every pid 1 reaps what is orphaned to it and passes the command's
/// status up. The command is never a pid 1 itself (that would change what signals and exit do) and is always exec'ed:
/// each fork on the way down lengthens the anon_vma chains of the pages it inherits, and with them the cost of every
/// later fork, which exec undoes.
NestedProcess start_nested(const NestedCommand& command);

/// start_nested() and wait().
NestResult run_nested(const NestedCommand& command);

}  // namespace nslab::guest
