// SPDX-License-Identifier: GPL-2.0
//
// Pid namespaces come and go. A kernel may refuse one (no PID_NS, flat within a namespace, 32 levels): then the cell is
// refused, and says at which level.
//
// What is left of a namespace when its last process is reaped is freed behind RCU, in softirqs that fall into a later
// repetition, many namespaces at once, or into none: hence many repetitions, over several timer ticks.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "micro.h"
#include "processes.h"

namespace {

using nslab::micro::check_child;
using nslab::micro::clone3_and_park;
using nslab::micro::Descriptor;
using nslab::micro::is_refusal;
using nslab::micro::kChildStatus;
using nslab::micro::kill_and_reap;
using nslab::micro::Measurement;
using nslab::micro::settle;
using nslab::micro::with_errno;

/// What a chain of namespaces shall be, and what it reports. All its processes share the worker's memory: what is
/// measured are pids and namespaces, not the copying of address spaces.
struct Chain {
  int levels;    ///< namespaces, each in the one before
  int crowd;     ///< paused processes in the innermost, besides its pid 1
  int made = 0;  ///< namespaces whose first process ran and found itself to be pid 1
  int crowd_made = 0;
  int error = 0;  ///< errno of the namespace that could not be made
};

constexpr int kMostLevels = 4;
constexpr std::size_t kStackBytes = 8192;
alignas(16) std::array<std::array<char, kStackBytes>, kMostLevels> stacks;

int run_level(void* argument);

/// Starts the next level's pid 1; its pid or -1.
pid_t start_level(Chain& chain) {
  auto& stack = stacks[static_cast<std::size_t>(chain.made)];
  const pid_t child = clone(run_level, stack.data() + stack.size(), CLONE_NEWPID | CLONE_VM | SIGCHLD, &chain);
  if (child < 0) chain.error = errno;
  return child;
}

/// The pid 1 of a namespace.
int run_level(void* argument) {
  Chain& chain = *static_cast<Chain*>(argument);
  if (syscall(SYS_getpid) != 1) return 1;
  ++chain.made;
  if (chain.made < chain.levels) {
    const pid_t next = start_level(chain);
    int status = -1;
    if (next < 0) return 1;
    return waitpid(next, &status, 0) == next && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  }
  for (int i = 0; i < chain.crowd; ++i) {
    clone_args arguments = {};
    arguments.flags = CLONE_VM;
    arguments.exit_signal = SIGCHLD;
    if (clone3_and_park(arguments) > 0) ++chain.crowd_made;
  }
  return kChildStatus;
}

/// Times the creation of a chain, the end of its processes and their reaping.
void repeat_chain(Measurement& measurement, const Chain& wanted) {
  Chain chain = wanted;
  pid_t child = -1;
  pid_t reaped = -1;
  int status = -1;
  const auto operation = [&] {
    child = start_level(chain);
    reaped = waitpid(child, &status, 0);
  };
  operation();
  if (is_refusal(chain.error)) return measurement.refuse(chain.error, measurement.depth() + chain.made + 1);
  chain = wanted;
  measurement.repeat(operation, [&] {
    const char* wrong = check_child(child, reaped, status, measurement.identity.pid);
    if (chain.made != chain.levels) wrong = "not all namespaces were made";
    if (chain.crowd_made != chain.crowd) wrong = "not all processes of the namespace were made";
    chain = wanted;
    child = reaped = status = -1;
    return wrong;
  });
}

/// The namespace that this process's children will be in, as the kernel names it: "pid:[4026531836]".
std::string namespace_of_children() {
  char text[64];
  const ssize_t size = readlink("/proc/self/ns/pid_for_children", text, sizeof text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

/// A pid namespace whose pid 1 pauses.
class Namespace {
 public:
  Namespace() {
    clone_args arguments = {};
    arguments.flags = CLONE_NEWPID | CLONE_VM;
    arguments.exit_signal = SIGCHLD;
    const long child = clone3_and_park(arguments);
    error_ = child < 0 ? static_cast<int>(-child) : 0;
    if (error_ != 0) return;
    init_ = static_cast<pid_t>(child);
    settle(1000);
    file_ = Descriptor(open(("/proc/" + std::to_string(init_) + "/ns/pid").c_str(), O_RDONLY | O_CLOEXEC));
  }
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;
  ~Namespace() {
    if (init_ > 0) kill_and_reap(init_);
  }
  int error() const { return error_; }  ///< errno, 0 if there is one
  int file() const { return file_.get(); }

 private:
  pid_t init_ = -1;
  int error_ = 0;
  Descriptor file_;
};

}  // namespace

NSLAB_BENCHMARK(pidns_create, "lifecycle",
                "clone CLONE_NEWPID | CLONE_VM, getpid there, _exit, waitpid: create_pid_namespace(), "
                "zap_pid_ns_processes(), destroy_pid_namespace()",
                1000, 200) {
  repeat_chain(measurement, {.levels = 1, .crowd = 0});
}

NSLAB_BENCHMARK(
    pidns_create_100, "lifecycle",
    "as pidns_create, and the pid 1 clones 100 processes before its _exit: zap_pid_ns_processes() kills and "
    "reaps them",
    16, 4) {
  repeat_chain(measurement, {.levels = 1, .crowd = 100});
}

NSLAB_BENCHMARK(
    pidns_chain_4, "lifecycle",
    "as pidns_create, four namespaces deep, each pid 1 waiting for the next: alloc_pid() through all levels", 400, 60) {
  repeat_chain(measurement, {.levels = kMostLevels, .crowd = 0});
}

NSLAB_BENCHMARK(pidns_setns, "lifecycle",
                "setns(2) of the children's namespace into a child's pid namespace and back: pidns_install(), "
                "create_new_namespaces()",
                1000, 200) {
  const Namespace inner;
  if (is_refusal(inner.error())) return measurement.refuse(inner.error(), measurement.depth() + 1);
  const Descriptor outer(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (inner.file() < 0 || !outer) return measurement.fail("cannot make a pid namespace and open it");
  const std::string before = namespace_of_children();
  if (setns(inner.file(), CLONE_NEWPID) != 0) return measurement.fail(with_errno("cannot enter the namespace"));
  const std::string inside = namespace_of_children();
  if (setns(outer.get(), CLONE_NEWPID) != 0) return measurement.fail(with_errno("cannot leave the namespace"));
  if (before.empty() || inside == before || namespace_of_children() != before) {
    return measurement.fail("setns() did not change the children's namespace and change it back");
  }
  long in = -1;
  long out = -1;
  measurement.repeat(
      [&] {
        in = syscall(SYS_setns, inner.file(), CLONE_NEWPID);
        out = syscall(SYS_setns, outer.get(), CLONE_NEWPID);
      },
      [&] {
        const bool good = in == 0 && out == 0;
        in = out = -1;
        return good ? nullptr : "setns() failed";
      });
}
