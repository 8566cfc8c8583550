// SPDX-License-Identifier: GPL-2.0
//
// From a number to a task, and back: the calls that are given a pid, or give one out. Where there is no other need the
// task is a child that pauses; attributes that a call reads are set to values that the worker itself does not have, so
// that an answer about the wrong process is noticed.
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "micro.h"
#include "processes.h"

namespace {

using nslab::micro::Child;
using nslab::micro::Crowd;
using nslab::micro::Descriptor;
using nslab::micro::Measurement;
using nslab::micro::settle;
using nslab::micro::with_errno;

constexpr const char* kNoChild = "cannot make a child";

/// Times a call about a child that `prepare` has prepared, in the child. It must return `expected` each time.
template <class Prepare, class Call>
void repeat_on_child(Measurement& measurement, long expected, const char* wrong, Prepare prepare, Call call) {
  const Child child(prepare);
  if (!child) return measurement.fail(kNoChild);
  measurement.repeat_call(expected, wrong, [call, pid = child.pid()] { return call(pid); });
}

bool nothing() { return true; }

/// A connected pair of sockets, the second of which receives credentials.
struct SocketPair {
  SocketPair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    sender = Descriptor(ends[0]);
    receiver = Descriptor(ends[1]);
    const int on = 1;
    passing = setsockopt(receiver.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
  }
  Descriptor sender;
  Descriptor receiver;
  bool passing = false;
};

/// Sends a byte with the pid's credentials to itself.
void pass_credentials(Measurement& measurement, pid_t pid) {
  const SocketPair sockets;
  if (!sockets.passing) return measurement.fail(with_errno("cannot make sockets that pass credentials"));
  struct Control {
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(ucred))];
  };
  Control out = {};
  Control in = {};
  char byte_out = 'a';
  char byte_in = 0;
  iovec data_out = {&byte_out, 1};
  iovec data_in = {&byte_in, 1};
  msghdr message_out = {};
  message_out.msg_iov = &data_out;
  message_out.msg_iovlen = 1;
  message_out.msg_control = &out;
  message_out.msg_controllen = sizeof out;
  cmsghdr* const header_out = CMSG_FIRSTHDR(&message_out);
  header_out->cmsg_level = SOL_SOCKET;
  header_out->cmsg_type = SCM_CREDENTIALS;
  header_out->cmsg_len = CMSG_LEN(sizeof(ucred));
  const ucred sent = {pid, measurement.identity.user, getgid()};
  std::memcpy(CMSG_DATA(header_out), &sent, sizeof sent);
  msghdr message_in = {};
  message_in.msg_iov = &data_in;
  message_in.msg_iovlen = 1;
  message_in.msg_control = &in;
  message_in.msg_controllen = sizeof in;
  ssize_t written = -1;
  ssize_t got = -1;
  measurement.repeat(
      [&] {
        written = sendmsg(sockets.sender.get(), &message_out, MSG_DONTWAIT);
        got = recvmsg(sockets.receiver.get(), &message_in, MSG_DONTWAIT);
      },
      [&]() -> const char* {
        if (written != 1 || got != 1 || byte_in != 'a') return "the message did not come";
        const cmsghdr* const header_in = CMSG_FIRSTHDR(&message_in);
        if (header_in == nullptr || header_in->cmsg_type != SCM_CREDENTIALS ||
            header_in->cmsg_len != CMSG_LEN(sizeof(ucred))) {
          return "the message came without credentials";
        }
        ucred received = {};
        std::memcpy(&received, CMSG_DATA(header_in), sizeof received);
        if (received.pid != sent.pid || received.uid != sent.uid) {
          return "the message came with other credentials";
        }
        in = {};
        byte_in = 0;
        message_in.msg_controllen = sizeof in;
        return nullptr;
      });
}

/// A System V semaphore set of one.
class Semaphore {
 public:
  Semaphore() : id_(semget(IPC_PRIVATE, 1, 0600)) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() {
    if (id_ >= 0) semctl(id_, 0, IPC_RMID);
  }
  int id() const { return id_; }

 private:
  int id_;
};

/// A pseudo-terminal that controls a session which the worker leads, and a child of the session in a group of its own.
/// The worker may set the foreground group from the background (SIGTTOU), and outlives the terminal (SIGHUP).
class Terminal {
 public:
  explicit Terminal(Measurement& measurement) {
    signal(SIGTTOU, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    session_ = setsid();
    master_ = Descriptor(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (session_ < 0 || !master_ || unlockpt(master_.get()) != 0) {
      measurement.fail(with_errno("cannot make a session and a terminal"));
      return;
    }
    terminal_ = Descriptor(ioctl(master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    ready_ = terminal_ && ioctl(terminal_.get(), TIOCSCTTY, 0) == 0;
    if (!ready_) measurement.fail(with_errno("cannot make the terminal control the session"));
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    if (ready_) ioctl(terminal_.get(), TIOCNOTTY);
  }
  int get() const { return terminal_.get(); }
  pid_t session() const { return session_; }
  explicit operator bool() const { return ready_; }

 private:
  pid_t session_ = -1;
  Descriptor master_;
  Descriptor terminal_;
  bool ready_ = false;
};

}  // namespace

NSLAB_BENCHMARK(empty_lookup, "lookup", "nothing, with the child that most of this family have: no kernel function",
                2000, 200) {
  repeat_on_child(measurement, 0, "nothing is not nothing", nothing, [](pid_t) { return 0L; });
}

// ---- Signals -------------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(kill_child, "lookup",
                "kill(2) of a child, signal 0: kill_something_info(), find_vpid(), kill_pid_info()", 2000, 200) {
  repeat_on_child(measurement, 0, "kill() of the child failed", nothing,
                  [](pid_t pid) { return syscall(SYS_kill, pid, 0); });
}

NSLAB_BENCHMARK(tgkill_child, "lookup", "tgkill(2) of a child, signal 0: do_send_specific(), find_task_by_vpid()", 2000,
                200) {
  repeat_on_child(measurement, 0, "tgkill() of the child failed", nothing,
                  [](pid_t pid) { return syscall(SYS_tgkill, pid, pid, 0); });
}

NSLAB_BENCHMARK(kill_group_200, "lookup",
                "kill(2) of a group of 200, signal 0: find_vpid(), __kill_pgrp_info(), do_each_pid_task()", 200, 20) {
  Crowd crowd(200);
  if (!crowd || !crowd.form_group()) return measurement.fail("cannot make a process group of 200");
  measurement.repeat_call(0, "kill() of the group failed",
                          [group = crowd.pids().front()] { return syscall(SYS_kill, -group, 0); });
}

NSLAB_BENCHMARK(kill_all_200, "lookup",
                "kill(2) of -1, signal 0, with 200 children: for_each_process(), task_pid_vnr() of every process there "
                "is; at depth 0 kernel threads get it as well",
                200, 20) {
  const Crowd crowd(200);
  if (!crowd) return measurement.fail("cannot make 200 children");
  measurement.repeat_call(0, "kill() of all failed", [] { return syscall(SYS_kill, -1, 0); });
}

NSLAB_BENCHMARK(pidfd_open_close, "lookup",
                "pidfd_open(2) of a child, close: find_get_pid(), pidfd_prepare(), pidfs_alloc_file(), fput()", 1000,
                200) {
  const Child child;
  if (!child) return measurement.fail(kNoChild);
  long opened = -1;
  long closed = -1;
  measurement.repeat(
      [&] {
        opened = syscall(SYS_pidfd_open, child.pid(), 0);
        closed = syscall(SYS_close, opened);
      },
      [&] { return opened >= 0 && closed == 0 ? nullptr : "pidfd_open() or close() failed"; });
}

NSLAB_BENCHMARK(pidfd_send_signal, "lookup",
                "pidfd_send_signal(2) to a child, signal 0: pidfd_to_pid(), kill_pid_info_type(); no number is looked "
                "up, but prepare_kill_siginfo() gives the sender's",
                2000, 200) {
  const Child child;
  if (!child) return measurement.fail(kNoChild);
  const Descriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, child.pid(), 0)));
  if (!pidfd) return measurement.fail(with_errno("cannot open a pidfd"));
  measurement.repeat_call(0, "pidfd_send_signal() failed",
                          [&pidfd] { return syscall(SYS_pidfd_send_signal, pidfd.get(), 0, nullptr, 0); });
}

// ---- Scheduling and limits -----------------------------------------------------------------------------------------

NSLAB_BENCHMARK(getpriority_child, "lookup", "getpriority(2) of a child: find_task_by_vpid(), task_nice()", 2000, 200) {
  // The system call returns 20 - nice, which is never negative.
  repeat_on_child(
      measurement, 17, "getpriority() is not the child's", [] { return setpriority(PRIO_PROCESS, 0, 3) == 0; },
      [](pid_t pid) { return syscall(SYS_getpriority, PRIO_PROCESS, pid); });
}

NSLAB_BENCHMARK(sched_getscheduler, "lookup",
                "sched_getscheduler(2) of a child: find_process_by_pid(), find_task_by_vpid()", 2000, 200) {
  const auto become_batch = [] {
    const sched_param none = {};
    return ::sched_setscheduler(0, SCHED_BATCH, &none) == 0;
  };
  repeat_on_child(measurement, SCHED_BATCH, "sched_getscheduler() is not the child's", become_batch,
                  [](pid_t pid) { return syscall(SYS_sched_getscheduler, pid); });
}

NSLAB_BENCHMARK(sched_setaffinity, "lookup",
                "sched_setaffinity(2) of a child to CPU 0, where it is: find_process_by_pid(), "
                "__set_cpus_allowed_ptr()",
                1000, 200) {
  const unsigned long mask = 1;
  repeat_on_child(measurement, 0, "sched_setaffinity() of the child failed", nothing,
                  [&mask](pid_t pid) { return syscall(SYS_sched_setaffinity, pid, sizeof mask, &mask); });
}

NSLAB_BENCHMARK(prlimit_child, "lookup", "prlimit(2), a child's RLIMIT_NOFILE: find_task_by_vpid(), do_prlimit()", 2000,
                200) {
  constexpr rlim_t kFiles = 123;
  const Child child([] {
    const rlimit limit = {kFiles, kFiles};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
  });
  if (!child) return measurement.fail(kNoChild);
  rlimit limit = {};
  long result = -1;
  measurement.repeat([&] { result = syscall(SYS_prlimit64, child.pid(), RLIMIT_NOFILE, nullptr, &limit); },
                     [&] {
                       const bool good = result == 0 && limit.rlim_cur == kFiles;
                       limit = {};
                       return good ? nullptr : "prlimit() did not give the child's limit";
                     });
}

// ---- Waiting -------------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(waitpid_pid, "lookup",
                "wait4(2) by pid, WNOHANG, the only child lives: find_get_pid(), do_wait_pid(), eligible_child()", 2000,
                200) {
  repeat_on_child(measurement, 0, "wait4() by pid did not return 0", nothing,
                  [](pid_t pid) { return syscall(SYS_wait4, pid, nullptr, WNOHANG, nullptr); });
}

NSLAB_BENCHMARK(waitpid_group, "lookup",
                "wait4(2) by group, WNOHANG, the only child lives: find_get_pid(), do_wait_thread(), eligible_child()",
                2000, 200) {
  repeat_on_child(
      measurement, 0, "wait4() by group did not return 0", [] { return setpgid(0, 0) == 0; },
      [](pid_t pid) { return syscall(SYS_wait4, -pid, nullptr, WNOHANG, nullptr); });
}

NSLAB_BENCHMARK(waitpid_any, "lookup",
                "wait4(2) for any, WNOHANG, the only child lives: do_wait_thread(), wait_consider_task()", 2000, 200) {
  repeat_on_child(measurement, 0, "wait4() for any did not return 0", nothing,
                  [](pid_t) { return syscall(SYS_wait4, -1, nullptr, WNOHANG, nullptr); });
}

NSLAB_BENCHMARK(waitid_pidfd, "lookup",
                "waitid(2) on a pidfd, WNOHANG, the child lives: pidfd_get_pid(), do_wait_pid(), eligible_child()",
                2000, 200) {
  const Child child;
  if (!child) return measurement.fail(kNoChild);
  const Descriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, child.pid(), 0)));
  if (!pidfd) return measurement.fail(with_errno("cannot open a pidfd"));
  measurement.repeat_call(0, "waitid() on the pidfd failed", [&pidfd] {
    return syscall(SYS_waitid, P_PIDFD, pidfd.get(), nullptr, WEXITED | WNOHANG, nullptr);
  });
}

// ---- Another's memory ----------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(ptrace_seize_detach, "lookup",
                "ptrace(2) PTRACE_SEIZE, PTRACE_DETACH of a stopped child: find_get_task_by_vpid(), ptrace_attach(), "
                "which waits until the child has become traced: one switch to it and back; ptrace_detach()",
                400, 100) {
  const Child child;
  if (!child) return measurement.fail(kNoChild);
  if (kill(child.pid(), SIGSTOP) != 0 || waitpid(child.pid(), nullptr, WUNTRACED) != child.pid()) {
    return measurement.fail(with_errno("cannot stop the child"));
  }
  long seized = -1;
  long detached = -1;
  measurement.repeat(
      [&] {
        seized = syscall(SYS_ptrace, PTRACE_SEIZE, child.pid(), nullptr, nullptr);
        detached = syscall(SYS_ptrace, PTRACE_DETACH, child.pid(), nullptr, nullptr);
      },
      [&]() -> const char* {
        if (seized != 0) return "the child was not seized";
        if (detached != 0) return "the child was not detached";
        settle(1000);  // the child goes from traced back to stopped
        return nullptr;
      });
}

NSLAB_BENCHMARK(process_vm_readv, "lookup",
                "process_vm_readv(2), 8 bytes of a child: find_get_task_by_vpid(), mm_access(), "
                "get_user_pages_remote()",
                2000, 200) {
  static std::uint64_t word = 1;
  const Child child([] {
    word = 2;
    return true;
  });
  if (!child) return measurement.fail(kNoChild);
  std::uint64_t copy = 0;
  const iovec local = {&copy, sizeof copy};
  const iovec remote = {&word, sizeof word};
  long got = -1;
  measurement.repeat([&] { got = syscall(SYS_process_vm_readv, child.pid(), &local, 1, &remote, 1, 0); },
                     [&] {
                       const bool good = got == sizeof copy && copy == 2;
                       copy = 0;
                       return good ? nullptr : "process_vm_readv() did not read the child's word";
                     });
}

// ---- Owners --------------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(futex_pi_lock_unlock, "lookup",
                "futex(2) FUTEX_LOCK_PI of a free word, FUTEX_UNLOCK_PI: futex_lock_pi_atomic(), task_pid_vnr()", 2000,
                200) {
  std::uint32_t word = 0;
  std::uint32_t held = 0;
  long locked = -1;
  long unlocked = -1;
  const auto self = static_cast<std::uint32_t>(measurement.identity.pid);
  measurement.repeat(
      [&] {
        locked = syscall(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, nullptr, nullptr, 0);
        held = word;
        unlocked = syscall(SYS_futex, &word, FUTEX_UNLOCK_PI_PRIVATE, 0, nullptr, nullptr, 0);
      },
      [&]() -> const char* {
        if (locked != 0 || held != self) return "the futex was not locked";
        if (unlocked != 0 || word != 0) return "the futex was not unlocked";
        held = 0;
        return nullptr;
      });
}

NSLAB_BENCHMARK(futex_pi_owner, "lookup",
                "futex(2) FUTEX_TRYLOCK_PI of a word with a child's pid, EAGAIN: attach_to_pi_owner(), "
                "find_get_task_by_vpid()",
                2000, 200) {
  const Child child;
  if (!child) return measurement.fail(kNoChild);
  const auto owner = static_cast<std::uint32_t>(child.pid());
  std::uint32_t word = owner;
  long result = 0;
  measurement.repeat([&] { result = syscall(SYS_futex, &word, FUTEX_TRYLOCK_PI_PRIVATE, 0, nullptr, nullptr, 0); },
                     [&]() -> const char* {
                       if (result != -1 || errno != EAGAIN) return "the other's futex did not give EAGAIN";
                       if (word != (owner | FUTEX_WAITERS)) return "the kernel did not look for the futex's owner";
                       word = owner;
                       result = 0;
                       return nullptr;
                     });
}

NSLAB_BENCHMARK(f_setown, "lookup", "fcntl(2) F_SETOWN to a child: f_setown(), find_vpid(), __f_setown()", 2000, 200) {
  const SocketPair sockets;
  if (!sockets.sender) return measurement.fail(with_errno("cannot make sockets"));
  repeat_on_child(measurement, 0, "F_SETOWN failed", nothing,
                  [&sockets](pid_t pid) { return syscall(SYS_fcntl, sockets.sender.get(), F_SETOWN, pid); });
}

NSLAB_BENCHMARK(f_getown, "lookup", "fcntl(2) F_GETOWN, a child's pid: f_getown(), pid_task(), pid_vnr()", 2000, 200) {
  const SocketPair sockets;
  const Child child;
  if (!child || !sockets.sender) return measurement.fail("cannot make sockets and a child");
  if (syscall(SYS_fcntl, sockets.sender.get(), F_SETOWN, child.pid()) != 0) {
    return measurement.fail(with_errno("F_SETOWN failed"));
  }
  measurement.repeat_call(child.pid(), "F_GETOWN does not give the child's pid",
                          [&sockets] { return syscall(SYS_fcntl, sockets.sender.get(), F_GETOWN, 0); });
}

NSLAB_BENCHMARK(f_getlk, "lookup",
                "fcntl(2) F_GETLK, a child holds the lock: fcntl_getlk(), locks_translate_pid(), find_pid_ns()", 2000,
                200) {
  const Descriptor file(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return measurement.fail(with_errno("cannot make a file in /tmp"));
  struct flock wanted = {};
  wanted.l_type = F_WRLCK;
  wanted.l_whence = SEEK_SET;
  const Child child([&] { return fcntl(file.get(), F_SETLK, &wanted) == 0; });
  if (!child) return measurement.fail("cannot make a child that holds a lock");
  struct flock lock = wanted;
  long result = -1;
  measurement.repeat([&] { result = syscall(SYS_fcntl, file.get(), F_GETLK, &lock); },
                     [&] {
                       const bool good = result == 0 && lock.l_type == F_WRLCK && lock.l_pid == child.pid();
                       lock = wanted;
                       return good ? nullptr : "F_GETLK does not give the child's pid";
                     });
}

NSLAB_BENCHMARK(semctl_getpid, "lookup", "semctl(2) GETPID: semctl_main(), pid_vnr() of who set the semaphore last",
                2000, 200) {
  const Semaphore semaphore;
  // The system call's own form of union semun.
  if (semaphore.id() < 0 || syscall(SYS_semctl, semaphore.id(), 0, SETVAL, 1) != 0) {
    return measurement.fail(with_errno("cannot make and set a semaphore"));
  }
  measurement.repeat_call(measurement.identity.pid, "GETPID does not give the pid of who set the semaphore",
                          [&semaphore] { return syscall(SYS_semctl, semaphore.id(), 0, GETPID, 0); });
}

NSLAB_BENCHMARK(scm_credentials, "lookup",
                "sendmsg, recvmsg with own SCM_CREDENTIALS: __scm_send(), pid_vnr(), scm_recv_unix(), pid_vnr()", 2000,
                200) {
  pass_credentials(measurement, measurement.identity.pid);
}

NSLAB_BENCHMARK(scm_credentials_child, "lookup",
                "sendmsg, recvmsg with a child's SCM_CREDENTIALS: as scm_credentials, and find_get_pid()", 2000, 200) {
  const Child child;
  if (!child) return measurement.fail(kNoChild);
  pass_credentials(measurement, child.pid());
}

// ---- Terminals -----------------------------------------------------------------------------------------------------

NSLAB_BENCHMARK(tcgetpgrp, "lookup", "ioctl(2) TIOCGPGRP of a pty: tiocgpgrp(), tty_get_pgrp(), pid_vnr()", 2000, 200) {
  const Terminal terminal(measurement);
  if (!terminal) return;
  pid_t group = -1;
  long result = -1;
  measurement.repeat([&] { result = syscall(SYS_ioctl, terminal.get(), TIOCGPGRP, &group); },
                     [&] {
                       const bool good = result == 0 && group == terminal.session();
                       group = -1;
                       return good ? nullptr : "TIOCGPGRP does not give the session's group";
                     });
}

NSLAB_BENCHMARK(tcsetpgrp, "lookup",
                "ioctl(2) TIOCSPGRP of a pty, to a child's group: tiocspgrp(), find_vpid(), session_of_pgrp()", 2000,
                200) {
  const Terminal terminal(measurement);
  if (!terminal) return;
  const Child child([] { return setpgid(0, 0) == 0; });
  if (!child) return measurement.fail(kNoChild);
  const pid_t other = child.pid();
  const pid_t own = terminal.session();
  long result = -1;
  measurement.repeat([&] { result = syscall(SYS_ioctl, terminal.get(), TIOCSPGRP, &other); },
                     [&]() -> const char* {
                       if (result != 0 || ::tcgetpgrp(terminal.get()) != other)
                         return "the foreground group was not set";
                       // Back again, from the background.
                       if (::tcsetpgrp(terminal.get(), own) != 0) return "the foreground group could not be reset";
                       return nullptr;
                     });
}
