// SPDX-License-Identifier: GPL-2.0
//
// To be born and to die: alloc_pid() and free_pid() within all else that fork, exit and wait do. Each operation ends
// with the child reaped, so that the next finds as many processes as it did.
#include <linux/sched.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "micro.h"
#include "operations.h"
#include "processes.h"

namespace {

using nslab::micro::absent_pid;
using nslab::micro::check_child;
using nslab::micro::Child;
using nslab::micro::clone3_and_exit;
using nslab::micro::clone3_and_park;
using nslab::micro::kChildStatus;
using nslab::micro::kill_and_reap;
using nslab::micro::Measurement;
using nslab::micro::Pipe;
using nslab::micro::repeat_child;
using nslab::micro::repeat_fork;
using nslab::micro::settle;
using nslab::micro::with_errno;

void* mark(void* ran) {
  *static_cast<bool*>(ran) = true;
  return ran;
}

void repeat_clone3(Measurement& measurement, clone_args arguments) {
  arguments.exit_signal = SIGCHLD;
  repeat_child(measurement, [&] { return static_cast<pid_t>(clone3_and_exit(arguments)); });
}

/// No environment and one argument: what is copied does not depend on the seed.
void exec_nothing(const char* program) {
  char name[] = "nothing";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  execve(program, arguments, environment);
  _exit(127);
}

void repeat_fork_exec(Measurement& measurement, const char* program) {
  repeat_child(measurement, [program] {
    const pid_t child = fork();
    if (child == 0) exec_nothing(program);
    return child;
  });
}

/// Times `create`, which returns a child's pid, and the waitpid for the child that was made before: when a pid comes,
/// another one is there.
template <class Create>
void repeat_overlapping(Measurement& measurement, Create create) {
  pid_t previous = create();
  if (previous < 0) return measurement.fail(with_errno("cannot make a child"));
  pid_t next = -1;
  pid_t reaped = -1;
  int status = -1;
  measurement.repeat(
      [&] {
        next = create();
        reaped = waitpid(previous, &status, 0);
      },
      [&] {
        const char* const wrong = next == previous ? "two children that live have one pid"
                                                   : check_child(previous, reaped, status, measurement.identity.pid);
        previous = next;
        next = reaped = status = -1;
        return wrong;
      });
  if (previous > 0) waitpid(previous, nullptr, 0);
}

/// A thread that ends when it is told.
struct Waiting {
  sem_t gate = {};
  bool ran = false;
  pthread_t thread = {};
};

void* wait_at_gate(void* waiting) {
  auto& self = *static_cast<Waiting*>(waiting);
  self.ran = true;
  while (sem_wait(&self.gate) != 0) {
  }
  return nullptr;
}

/// Of a stack that does not depend on RLIMIT_STACK, which the seed chooses, and that the C library can cache.
class ThreadAttributes {
 public:
  ThreadAttributes() {
    constexpr std::size_t kStackBytes = std::size_t{256} << 10;
    made_ = pthread_attr_init(&attributes_) == 0 && pthread_attr_setstacksize(&attributes_, kStackBytes) == 0;
  }
  ThreadAttributes(const ThreadAttributes&) = delete;
  ThreadAttributes& operator=(const ThreadAttributes&) = delete;
  ~ThreadAttributes() { pthread_attr_destroy(&attributes_); }
  explicit operator bool() const { return made_; }
  const pthread_attr_t* get() const { return &attributes_; }

 private:
  pthread_attr_t attributes_ = {};
  bool made_ = false;
};

/// A process of many threads, which pause, that exits when it is told.
class ThreadGroup {
 public:
  explicit ThreadGroup(int threads) : threads_(threads) { ready_ = start(); }
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;
  ~ThreadGroup() {
    if (child_ > 0) kill_and_reap(child_);
  }
  explicit operator bool() const { return ready_; }

  /// Tells it to exit, and reaps it: its pid and status.
  pid_t end(int& status) const {
    const char byte = 0;
    if (write(gate_.writer.get(), &byte, 1) != 1) return -1;
    return waitpid(child_, &status, 0);
  }

  /// Another in place of the one that ended.
  bool start() {
    if (!gate_ || !report_) return false;
    child_ = fork();
    if (child_ == 0) run();
    char byte;
    const bool ready = child_ > 0 && read(report_.reader.get(), &byte, 1) == 1 && byte == 1;
    settle(5000);
    return ready;
  }
  pid_t pid() const { return child_; }

 private:
  [[noreturn]] void run() const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char ready = 1;
    for (int i = 0; i < threads_; ++i) {
      clone_args arguments = {};
      arguments.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
      if (clone3_and_park(arguments) < 0) ready = 0;
    }
    char byte;
    if (write(report_.writer.get(), &ready, 1) == 1 && read(gate_.reader.get(), &byte, 1) == 1) _exit(kChildStatus);
    _exit(1);
  }

  const int threads_;
  const Pipe gate_;
  const Pipe report_;
  pid_t child_ = -1;
  bool ready_ = false;
};

/// How many descriptors this process may have, for as long as this lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t most) {
    if (getrlimit(RLIMIT_NOFILE, &before_) != 0) return;
    const rlimit lowered = {most, before_.rlim_max};
    lowered_ = setrlimit(RLIMIT_NOFILE, &lowered) == 0;
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() {
    if (lowered_) setrlimit(RLIMIT_NOFILE, &before_);
  }
  explicit operator bool() const { return lowered_; }

 private:
  rlimit before_ = {};
  bool lowered_ = false;
};

}  // namespace

NSLAB_BENCHMARK(empty_lifecycle, "lifecycle", "nothing, with this family's checks around it: no kernel function", 2000,
                200) {
  const pid_t self = measurement.identity.pid;
  pid_t child = -1;
  pid_t reaped = -1;
  int status = -1;
  measurement.repeat(
      [&] {
        child = reaped = self + 1;
        status = kChildStatus << 8;
      },
      [&] { return check_child(child, reaped, status, self); });
}

NSLAB_BENCHMARK(fork_exit_wait, "lifecycle",
                "fork, _exit, waitpid: copy_process(), alloc_pid(), do_exit(), release_task(), free_pid()", 400, 100) {
  repeat_fork(measurement);
}

NSLAB_BENCHMARK(vfork_exit_wait, "lifecycle",
                "vfork, _exit, waitpid: as fork_exit_wait, without copying the address space", 2000, 200) {
  pid_t child = -1;
  pid_t reaped = -1;
  int status = -1;
  measurement.repeat(
      [&] {
        // The child shares this frame and stores 0 to `child` in it; the parent stores the pid thereafter.
        child = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is measured
        if (child == 0) _exit(kChildStatus);
        reaped = waitpid(child, &status, 0);
      },
      [&] { return check_child(child, reaped, status, measurement.identity.pid); });
}

// ---- More than one child -------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(fork_overlap, "lifecycle",
                "fork, _exit, waitpid of the child made before: as fork_exit_wait, beside a pid that lives", 400, 100) {
  repeat_overlapping(measurement, [] {
    const pid_t child = fork();
    if (child == 0) _exit(kChildStatus);
    return child;
  });
}

NSLAB_BENCHMARK(vfork_overlap, "lifecycle",
                "vfork, _exit, waitpid of the child made before: as vfork_exit_wait, beside a pid that lives", 2000,
                200) {
  repeat_overlapping(measurement, [] {
    const pid_t child = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is measured
    if (child == 0) _exit(kChildStatus);
    return child;
  });
}

NSLAB_BENCHMARK(fork_burst_32, "lifecycle",
                "32 times fork and _exit, then 32 waitpid: as fork_exit_wait, with up to 32 pids more", 20, 5) {
  constexpr std::size_t kChildren = 32;
  pid_t children[kChildren] = {};
  pid_t reaped[kChildren] = {};
  int statuses[kChildren] = {};
  measurement.repeat(
      [&] {
        for (pid_t& child : children) {
          child = fork();
          if (child == 0) _exit(kChildStatus);
        }
        for (std::size_t i = 0; i < kChildren; ++i) reaped[i] = waitpid(children[i], &statuses[i], 0);
      },
      [&] {
        const char* wrong = nullptr;
        for (std::size_t i = 0; i < kChildren; ++i) {
          if (wrong == nullptr) wrong = check_child(children[i], reaped[i], statuses[i], measurement.identity.pid);
          children[i] = reaped[i] = statuses[i] = -1;
        }
        return wrong;
      });
}

// ---- clone3 --------------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(clone3_exit_wait, "lifecycle",
                "clone3(2) without flags, exit_group, waitpid: as fork_exit_wait, without the C library's fork", 200,
                100) {
  repeat_clone3(measurement, {});
}

NSLAB_BENCHMARK(clone3_vm, "lifecycle",
                "clone3(2) CLONE_VM | CLONE_VFORK, exit_group, waitpid: as clone3_exit_wait, without copying the "
                "address space",
                1000, 200) {
  clone_args arguments = {};
  arguments.flags = CLONE_VM | CLONE_VFORK;
  repeat_clone3(measurement, arguments);
}

NSLAB_BENCHMARK(clone3_set_tid, "lifecycle",
                "clone3(2) CLONE_VM | CLONE_VFORK with set_tid, a free pid of this namespace, exit_group, waitpid: "
                "alloc_pid() of a given number; compare clone3_vm",
                1000, 200) {
  pid_t wanted = absent_pid();
  if (wanted < 0) return measurement.fail(with_errno("cannot find a free pid"));
  clone_args arguments = {};
  arguments.flags = CLONE_VM | CLONE_VFORK;
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uintptr_t>(&wanted);
  arguments.set_tid_size = 1;
  const long tried = clone3_and_exit(arguments);
  if (tried == -EINVAL || tried == -EPERM) return measurement.refuse(static_cast<int>(-tried), measurement.depth());
  if (tried > 0) waitpid(static_cast<pid_t>(tried), nullptr, 0);
  pid_t reaped = -1;
  int status = -1;
  long child = -1;
  measurement.repeat(
      [&] {
        child = clone3_and_exit(arguments);
        reaped = waitpid(static_cast<pid_t>(child), &status, 0);
      },
      [&] {
        if (child != wanted) return "the child has not the pid that it was given";
        return check_child(child, reaped, status, measurement.identity.pid);
      });
}

NSLAB_BENCHMARK(clone3_pidfd, "lifecycle",
                "clone3(2) CLONE_VM | CLONE_VFORK | CLONE_PIDFD, exit_group, waitid on the pidfd, close: "
                "pidfd_prepare(), pidfd_get_pid(); compare clone3_vm",
                1000, 200) {
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
  arguments.exit_signal = SIGCHLD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  long child = -1;
  int waited = -1;
  int closed = -1;
  siginfo_t info = {};
  measurement.repeat(
      [&] {
        child = clone3_and_exit(arguments);
        waited = waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED);
        closed = close(pidfd);
      },
      [&]() -> const char* {
        if (child <= 0) return "no child was created";
        if (waited != 0 || info.si_pid != child) return "the child was not reaped through the pidfd";
        if (info.si_code != CLD_EXITED || info.si_status != kChildStatus)
          return "the child did not exit with its status";
        if (closed != 0) return "the pidfd could not be closed";
        info = {};
        pidfd = -1;
        return nullptr;
      });
}

// A pid comes and goes, and little else: what a model's allocation costs stands out here. That the call fails is what
// is wanted; nobody would take its cost for a clone's.
NSLAB_BENCHMARK(clone3_undone, "lifecycle",
                "clone3(2) of a thread with CLONE_PIDFD where no descriptor is left (EMFILE): copy_process() up to "
                "alloc_pid(), then free_pid(); no task runs",
                1000, 200) {
  const DescriptorLimit none(0);
  if (!none) return measurement.fail(with_errno("cannot lower the limit of descriptors"));
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  measurement.repeat_call(-EMFILE, "clone3() did not fail for want of a descriptor",
                          [&] { return clone3_and_exit(arguments); });
}

// ---- exec ----------------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(posix_spawn_static, "lifecycle",
                "posix_spawn of a static program that ends at once, waitpid: clone CLONE_VM | CLONE_VFORK, execve", 60,
                20) {
  repeat_child(measurement, [] {
    char name[] = "nothing";
    char* const arguments[] = {name, nullptr};
    char* const environment[] = {nullptr};
    pid_t child = -1;
    const int error = ::posix_spawn(&child, "/bin/nothing-static", nullptr, nullptr, arguments, environment);
    return error == 0 ? child : -1;
  });
}

NSLAB_BENCHMARK(fork_exec_static, "lifecycle",
                "fork, execve of a static program that ends at once, waitpid: begin_new_exec(), de_thread()", 60, 20) {
  repeat_fork_exec(measurement, "/bin/nothing-static");
}

NSLAB_BENCHMARK(fork_exec_dynamic, "lifecycle",
                "fork, execve of a dynamic program that ends at once, waitpid: as fork_exec_static, and the dynamic "
                "linker's work with the C library",
                40, 20) {
  repeat_fork_exec(measurement, "/bin/nothing-dynamic");
}

// ---- Threads -------------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(thread_create_join, "lifecycle",
                "pthread_create, pthread_join: clone of a thread, alloc_pid(), release_task() by itself, futex", 1000,
                200) {
  const ThreadAttributes attributes;
  if (!attributes) return measurement.fail("no thread attributes");
  bool ran = false;
  int created = -1;
  int joined = -1;
  measurement.repeat(
      [&] {
        pthread_t thread;
        created = pthread_create(&thread, attributes.get(), mark, &ran);
        if (created == 0) joined = pthread_join(thread, nullptr);
      },
      [&]() -> const char* {
        if (created != 0) return "no thread was created";
        if (joined != 0) return "the thread could not be joined";
        if (!ran) return "the thread did not run";
        ran = false;
        joined = -1;
        return nullptr;
      });
}

NSLAB_BENCHMARK(thread_overlap, "lifecycle",
                "pthread_create, sem_post to the thread made before, which waits for it, pthread_join of that one: as "
                "thread_create_join, beside a thread that lives",
                1000, 200) {
  const ThreadAttributes attributes;
  Waiting waiting[2];
  Waiting* previous = &waiting[0];
  Waiting* next = &waiting[1];
  for (Waiting& thread : waiting) sem_init(&thread.gate, 0, 0);
  const auto create = [&attributes](Waiting& thread) {
    return pthread_create(&thread.thread, attributes.get(), wait_at_gate, &thread);
  };
  if (!attributes || create(*previous) != 0) return measurement.fail("cannot make a thread");
  settle(1000);
  int created = -1;
  int joined = -1;
  measurement.repeat(
      [&] {
        created = create(*next);
        sem_post(&previous->gate);
        joined = pthread_join(previous->thread, nullptr);
      },
      [&]() -> const char* {
        if (created != 0) return "no thread was created";
        if (joined != 0) return "the thread could not be joined";
        if (!previous->ran) return "the thread did not run";
        previous->ran = false;
        joined = -1;
        std::swap(previous, next);
        return nullptr;
      });
  sem_post(&previous->gate);
  pthread_join(previous->thread, nullptr);
}

NSLAB_BENCHMARK(exit_group_100, "lifecycle",
                "a process of 1 + 100 paused threads told by a byte in a pipe calls exit_group, waitpid: "
                "zap_other_threads(), release_task() of each; made outside of the operation",
                20, 4) {
  ThreadGroup group(100);
  if (!group) return measurement.fail("cannot make a process of 100 threads");
  pid_t reaped = -1;
  int status = -1;
  measurement.repeat([&] { reaped = group.end(status); },
                     [&] {
                       const char* wrong = check_child(group.pid(), reaped, status, measurement.identity.pid);
                       if (!group.start() && wrong == nullptr) wrong = "cannot make another process of 100 threads";
                       return wrong;
                     });
}

// ---- Relations -----------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(setsid, "lifecycle",
                "vfork, setsid in the child, _exit, waitpid: ksys_setsid(), change_pid() of group and session, beside "
                "all that vfork_exit_wait is",
                1000, 200) {
  pid_t child = -1;
  pid_t reaped = -1;
  int status = -1;
  // The child shares this frame: its session is its pid in its namespace.
  long session = -1;
  measurement.repeat(
      [&] {
        child = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is measured
        if (child == 0) {
          session = syscall(SYS_setsid);  // NOLINT(clang-analyzer-unix.Vfork): alters no memory but the frame
          _exit(kChildStatus);
        }
        reaped = waitpid(child, &status, 0);
      },
      [&] {
        const bool made = session == child;
        session = -1;
        return made ? check_child(child, reaped, status, measurement.identity.pid) : "setsid() made no session";
      });
}

NSLAB_BENCHMARK(setpgid_child, "lifecycle",
                "setpgid(2) of a child into a group of its own: find_task_by_vpid(), change_pid()", 2000, 200) {
  // A group that the child can be put back to; the inherited one may belong to an outer namespace.
  const pid_t own = ::setsid();
  if (own < 0) return measurement.fail(with_errno("cannot make a session"));
  const Child child;
  if (!child) return measurement.fail("cannot make a child");
  long result = -1;
  measurement.repeat([&] { result = syscall(SYS_setpgid, child.pid(), child.pid()); },
                     [&]() -> const char* {
                       if (result != 0 || getpgid(child.pid()) != child.pid()) return "the child's group was not set";
                       if (setpgid(child.pid(), own) != 0) return "the child's group could not be reset";
                       result = -1;
                       return nullptr;
                     });
}

NSLAB_BENCHMARK(reparent, "lifecycle",
                "fork twice; the child exits, its own child lives on, is told so by a byte in a pipe, and exits; two "
                "waitpid: find_new_reaper(), reparent_leader() to this subreaper",
                80, 30) {
  const Pipe gate;
  const pid_t self = measurement.identity.pid;
  if (!gate || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return measurement.fail(with_errno("cannot become a subreaper"));
  pid_t child = -1;
  pid_t reaped = -1;
  pid_t adopted = -1;
  int status = -1;
  int adopted_status = -1;
  measurement.repeat(
      [&] {
        char byte = 0;
        child = fork();
        if (child == 0) {
          const pid_t grandchild = fork();
          if (grandchild == 0) {
            const bool told = read(gate.reader.get(), &byte, 1) == 1;
            _exit(told && syscall(SYS_getppid) == self ? kChildStatus : 1);
          }
          _exit(grandchild > 0 ? kChildStatus : 1);
        }
        reaped = waitpid(child, &status, 0);
        const bool told = write(gate.writer.get(), &byte, 1) == 1;
        adopted = told ? waitpid(-1, &adopted_status, 0) : -1;
      },
      [&] {
        if (const char* const wrong = check_child(child, reaped, status, self)) return wrong;
        if (adopted == child) return "the child was reaped twice";
        const char* const wrong = check_child(adopted, adopted, adopted_status, self);
        adopted = -1;
        return wrong == nullptr ? nullptr : "the child's child was not adopted, told and reaped";
      });
}
