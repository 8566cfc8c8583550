// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

/// The other processes that a benchmark needs. All are made and quiet before the warm-up, and ended and reaped behind
/// the last repetition.
namespace nslab::micro {

/// `what`, and why.
inline std::string with_errno(const std::string& what) { return what + ": " + std::strerror(errno); }

/// A file descriptor, closed at its end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() { reset(); }
  void reset() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }
  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// Both ends of a pipe; neither is valid when there is none.
struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    reader = Descriptor(ends[0]);
    writer = Descriptor(ends[1]);
  }
  explicit operator bool() const { return static_cast<bool>(reader); }
  Descriptor reader;
  Descriptor writer;
};

/// Sleeps, so that all others that can run do so and are asleep when it returns: on the one vCPU they would else run in
/// the middle of an operation. The guest's clock leaps over what is left of the time.
inline void settle(long microseconds) {
  timespec left = {microseconds / 1'000'000, microseconds % 1'000'000 * 1000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

constexpr int kChildStatus = 7;  ///< what every child of a benchmark exits with: neither success nor a usual error

/// clone3() whose child ends at once, with kChildStatus. The child's pid, or -errno. One piece of assembly, which does
/// not touch the stack in the child: it may be the parent's.
inline long clone3_and_exit(clone_args& arguments) {
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "mov %[status], %%edi\n\t"
      "mov %[exit], %%eax\n\t"
      "syscall\n\t"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof arguments), [exit] "i"(SYS_exit_group), [status] "i"(kChildStatus)
      : "rcx", "r11", "memory");
  return result;
}

/// clone3() whose child pauses until it is killed, likewise.
inline long clone3_and_park(clone_args& arguments) {
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "2: mov %[pause], %%eax\n\t"
      "syscall\n\t"
      "jmp 2b\n\t"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof arguments), [pause] "i"(SYS_pause)
      : "rcx", "r11", "memory");
  return result;
}

/// Memory that forks do not copy: the page tables of a shared mapping are left to page faults. For what is large and
/// stays while a fork is measured.
template <class T>
struct SharedMemory {
  using value_type = T;
  T* allocate(std::size_t count) {
    void* const memory =
        mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) { munmap(memory, count * sizeof(T)); }
  bool operator==(const SharedMemory&) const = default;
};

using Pids = std::vector<pid_t, SharedMemory<pid_t>>;

inline void kill_and_reap(pid_t child) {
  kill(child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

/// A child with an address space of its own that has prepared itself and pauses.
class Child {
 public:
  /// `prepare` runs in the child and returns whether it could.
  template <class Prepare>
  explicit Child(Prepare prepare) {
    Pipe report;
    if (!report) return;
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const bool ready = prepare();
      const ssize_t written = write(report.writer.get(), &ready, 1);
      report.writer.reset();
      if (written != 1) _exit(1);
      for (;;) pause();
    }
    report.writer.reset();
    bool ready = false;
    ready_ = pid_ > 0 && read(report.reader.get(), &ready, 1) == 1 && ready;
    settle(1000);
  }
  Child() : Child([] { return true; }) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) kill_and_reap(pid_);
  }

  pid_t pid() const { return pid_; }
  /// Whether it is there and prepared.
  explicit operator bool() const { return ready_; }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

/// What the children of a crowd are like.
struct Members {
  std::uint64_t flags = 0;  ///< for clone3, besides CLONE_VM
  pid_t first = 0;          ///< the first one's pid; 0: as the kernel gives them out
  pid_t step = 1;           ///< from pid to pid; one that somebody has already is left out
};

/// Many children that pause. They share this process's memory: cheap to make, and nothing that is measured copies it.
class Crowd {
 public:
  explicit Crowd(std::size_t count, const Members& members = {}) {
    pids_.reserve(count);
    pid_t wanted = members.first;
    while (pids_.size() < count) {
      clone_args arguments = {};
      arguments.flags = CLONE_VM | members.flags;
      arguments.exit_signal = SIGCHLD;
      if (wanted > 0) {
        arguments.set_tid = reinterpret_cast<std::uintptr_t>(&wanted);
        arguments.set_tid_size = 1;
      }
      const long child = clone3_and_park(arguments);
      if (wanted > 0) wanted += members.step;
      if (child == -EEXIST && wanted > 0) continue;
      error_ = child < 0 ? static_cast<int>(-child) : 0;
      if (error_ != 0) return;
      pids_.push_back(static_cast<pid_t>(child));
    }
    let_run();
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() {
    for (const pid_t pid : pids_) kill(pid, SIGKILL);
    for (const pid_t pid : pids_) kill_and_reap(pid);
    let_run();
  }

  /// Moves all into a process group of their own, that of the first. False if that failed.
  bool form_group() {
    for (const pid_t pid : pids_) {
      if (setpgid(pid, pids_.front()) != 0) return false;
    }
    return true;
  }

  const Pids& pids() const { return pids_; }
  explicit operator bool() const { return error_ == 0; }
  int error() const { return error_; }  ///< errno of the child that could not be made; 0 if all are there

 private:
  /// The children until they pause, or what is freed behind their end.
  void let_run() const { settle(20'000 + 20 * static_cast<long>(pids_.size())); }

  Pids pids_;
  int error_ = 0;
};

/// A pid that nobody has: that of a child just reaped. Pids are given out in a circle, it does not come again so soon.
/// -1 on failure.
inline pid_t absent_pid() {
  clone_args arguments = {};
  arguments.flags = CLONE_VM | CLONE_VFORK;
  arguments.exit_signal = SIGCHLD;
  const auto child = static_cast<pid_t>(clone3_and_exit(arguments));
  return child > 0 && waitpid(child, nullptr, 0) == child ? child : -1;
}

/// Whether that errno is a kernel's way to say that it makes no such pid namespace.
inline bool is_refusal(int error) { return error == EINVAL || error == ENOSPC || error == EPERM; }

/// What is wrong with a child that should have exited with kChildStatus and been reaped; nullptr: nothing.
inline const char* check_child(long child, long reaped, int status, pid_t self) {
  if (child <= 0) return "no child was created";
  if (child == self) return "the child has its parent's pid";
  if (reaped != child) return "another child was reaped";
  if (!WIFEXITED(status) || WEXITSTATUS(status) != kChildStatus) return "the child did not exit with its status";
  return nullptr;
}

}  // namespace nslab::micro
