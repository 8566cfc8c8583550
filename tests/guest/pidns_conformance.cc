// SPDX-License-Identifier: GPL-2.0-only
/// Does a kernel's pid namespace model do what mainline's does, down to the depth it promises?
///
///   pidns_conformance --max-depth N      N: 0 without pid namespaces, 1 flat, 2 static3, 32 multi, list
///
/// Takes GoogleTest's options, too. Exit status: 0 every test passed, 1 one did not, 2 usage, 3 the machine lacks
/// something (root, /proc). Wants root in the initial pid namespace, and /proc mounted there; need not be PID 1. Writes
/// kernel.pid_max, kernel.threads-max and user.max_pid_namespaces: run it in a guest.
///
/// What is expected is what linux 6.12 does, not what a manual says. Each test runs in a process of its own, so that
/// what it leaves behind dies with it. GoogleTest's assertions stay in the process that makes them; here any descendant
/// may fail, by REQUIRE and its like, which end it: the reason travels through shared memory.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr unsigned long kNsGetParent = 0xb702;  // NS_GET_PARENT of linux/nsfs.h

constexpr int kMainlineDepth = 32;
constexpr int kDeepest = 3;  // of the tests that run at each depth
int max_depth = -1;

// ---- failing, from whichever process ----

char* reason;                             // shared by all processes of a test; empty: nothing failed
constexpr char kSkipped[] = "skipped: ";  // begins a reason that is none to fail

[[noreturn]] __attribute__((format(printf, 2, 3))) void fail(int line, const char* format, ...) {
  if (!reason[0]) {
    va_list args;
    va_start(args, format);
    int n = snprintf(reason, 64, "line %d: ", line);
    vsnprintf(reason + n, 900, format, args);
    va_end(args);
  }
  _exit(1);
}

/// The test cannot judge this kernel, for the reason given.
[[noreturn]] void skip(const char* why) {
  snprintf(reason, 1000, "%s%s", kSkipped, why);
  _exit(0);
}

#define REQUIRE(condition)                                                                 \
  do {                                                                                     \
    if (!(condition)) fail(__LINE__, "%s (errno %s)", #condition, strerrorname_np(errno)); \
  } while (0)

#define REQUIRE_EQ(actual, expected)                                                                          \
  do {                                                                                                        \
    const long long actual_ = (actual), expected_ = (expected);                                               \
    if (actual_ != expected_)                                                                                 \
      fail(__LINE__, "%s is %lld, not %lld (errno %s)", #actual, actual_, expected_, strerrorname_np(errno)); \
  } while (0)

/// The call must fail with this errno.
#define REQUIRE_ERROR(call, error)                                                                                  \
  do {                                                                                                              \
    errno = 0;                                                                                                      \
    const long long result_ = (call);                                                                               \
    if (result_ != -1 || errno != (error))                                                                          \
      fail(__LINE__, "%s is %lld with %s, not %s", #call, result_, strerrorname_np(errno), strerrorname_np(error)); \
  } while (0)

// ---- the kernel's own calls: the C library must not answer from memory ----

pid_t sys_getpid() { return static_cast<pid_t>(syscall(SYS_getpid)); }
pid_t sys_gettid() { return static_cast<pid_t>(syscall(SYS_gettid)); }
pid_t sys_getppid() { return static_cast<pid_t>(syscall(SYS_getppid)); }
pid_t raw_clone(unsigned long flags) {
  return static_cast<pid_t>(syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}
pid_t raw_clone3(uint64_t flags, const std::vector<pid_t>& set_tid, int* pidfd = nullptr) {
  clone_args args{};
  args.flags = flags;
  args.pidfd = reinterpret_cast<uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  args.set_tid = reinterpret_cast<uint64_t>(set_tid.data());
  args.set_tid_size = set_tid.size();
  if (set_tid.empty()) args.set_tid = 0;
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}
int pidfd_open(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

using Body = std::function<void()>;

pid_t spawn(unsigned long flags, const Body& body) {
  const pid_t pid = raw_clone(flags);
  if (pid == 0) {
    body();
    _exit(0);
  }
  REQUIRE(pid > 0);
  return pid;
}

/// A child in this process's memory, of which no copy is made. Any number of children may be alive with `body` only if
/// that never returns: all have one stack.
pid_t spawn_here(unsigned long flags, int (*body)(void*)) {
  alignas(16) static char stack[65536];
  return clone(body, stack + sizeof stack, static_cast<int>(flags | CLONE_VM | SIGCHLD), nullptr);
}

void reap(pid_t pid) {
  int status = 0;
  REQUIRE_EQ(waitpid(pid, &status, __WALL), pid);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail(__LINE__, "child %d ended with status %#x", pid, status);
}

void run(unsigned long flags, const Body& body) { reap(spawn(flags, body)); }

/// Runs `body` as PID 1 of a namespace `depth` below this one; at 0 as an ordinary child here.
void at_depth(int depth, const Body& body) {
  if (depth == 0) return run(0, body);
  run(CLONE_NEWPID, [&] { depth == 1 ? body() : at_depth(depth - 1, body); });
}

/// What is mounted hereafter is seen by this process and its children alone.
void own_mounts() {
  REQUIRE(unshare(CLONE_NEWNS) == 0);
  REQUIRE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
}

void fresh_proc() {
  own_mounts();
  REQUIRE(mount("proc", "/proc", "proc", 0, nullptr) == 0);
}

/// A byte each way between processes, to order them.
struct Gate {
  int fd[2];
  Gate() { REQUIRE(pipe(fd) == 0); }
  void open() const { REQUIRE(write(fd[1], "x", 1) == 1); }
  void wait() const {
    char c;
    REQUIRE(read(fd[0], &c, 1) == 1);
  }
};

/// Memory that a test's processes share.
template <class T>
T* shared() {
  void* p = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(p != MAP_FAILED);
  return static_cast<T*>(p);
}

// ---- reading /proc ----

std::set<pid_t> listed_in_proc() {
  std::set<pid_t> listed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) listed.insert(stoi(name));
  }
  return listed;
}

std::optional<std::vector<int>> numbers_of(const std::string& path, const std::string& key) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind(key + ":", 0) != 0) continue;
    std::istringstream words(line.substr(key.size() + 1));
    std::vector<int> numbers;
    for (int n; words >> n;) numbers.push_back(n);
    return numbers;
  }
  return std::nullopt;
}

void expect_numbers(int line, const std::string& path, const std::string& key, const std::vector<int>& expected) {
  const auto actual = numbers_of(path, key);
  const auto text = [](const std::vector<int>& v) {
    std::string s;
    for (int n : v) s += " " + std::to_string(n);
    return s;
  };
  if (!actual) fail(line, "%s has no line %s", path.c_str(), key.c_str());
  if (*actual != expected)
    fail(line, "%s: %s is%s, not%s", path.c_str(), key.c_str(), text(*actual).c_str(), text(expected).c_str());
}
#define REQUIRE_NUMBERS(path, key, ...) expect_numbers(__LINE__, path, key, std::vector<int> __VA_ARGS__)

std::string link_of(const std::string& path) {
  char buffer[256];
  const ssize_t n = readlink(path.c_str(), buffer, sizeof buffer);
  return n < 0 ? "" : std::string(buffer, static_cast<size_t>(n));
}

std::string fdinfo(int fd) { return "/proc/self/fdinfo/" + std::to_string(fd); }

// ---- credentials over a socket: what number does the other side see? ----

struct Sockets {
  int fd[2];
  Sockets() {
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0);
    const int on = 1;
    for (int s : fd) REQUIRE(setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
  }
};

void send_byte(int fd) { REQUIRE(write(fd, "x", 1) == 1); }

pid_t receive_sender(int fd) {
  char byte;
  iovec iov{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  msghdr message{};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  REQUIRE_EQ(recvmsg(fd, &message, 0), 1);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  REQUIRE(header && header->cmsg_type == SCM_CREDENTIALS);
  ucred credentials;
  memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
  return credentials.pid;
}

/// Someone who sits as PID 1 `depth` levels below until released, and the number this process has for it.
struct Sitter {
  Sockets sockets;
  Gate done;
  pid_t child = -1, pid = -1;

  explicit Sitter(
      int depth, const Body& body = [] {}) {
    child = spawn(0, [&] {
      at_depth(depth, [&] {
        send_byte(sockets.fd[1]);
        body();
        done.wait();
      });
    });
    pid = receive_sender(sockets.fd[0]);
    REQUIRE(pid > 0);
  }
  void release() {
    done.open();
    reap(child);
  }
};

siginfo_t wait_signal(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  siginfo_t info{};
  timespec limit{20, 0};
  REQUIRE_EQ(sigtimedwait(&set, &info, &limit), signal);
  return info;
}

void block_signal(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  REQUIRE(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
}

template <class F>
void in_thread(F f) {
  pthread_t thread;
  std::function<void()> body = f;
  REQUIRE_EQ(pthread_create(
                 &thread, nullptr,
                 [](void* p) -> void* {
                   (*static_cast<std::function<void()>*>(p))();
                   return nullptr;
                 },
                 &body),
             0);
  REQUIRE_EQ(pthread_join(thread, nullptr), 0);
}

// ---- tests at one depth ----

void own_ids(int depth) {
  const pid_t outer = sys_getpid();
  at_depth(depth, [&] {
    const pid_t me = sys_getpid();
    if (depth) {
      REQUIRE_EQ(me, 1);
      REQUIRE_EQ(sys_getppid(), 0);
    } else {
      REQUIRE_EQ(sys_getppid(), outer);
    }
    REQUIRE_EQ(sys_gettid(), me);
    REQUIRE_EQ(syscall(SYS_set_tid_address, nullptr), me);
    auto* seen = shared<pid_t[2]>();
    const pid_t child = spawn(0, [&] {
      (*seen)[0] = sys_getpid();
      (*seen)[1] = sys_getppid();
      REQUIRE_EQ(sys_gettid(), sys_getpid());
    });
    reap(child);
    REQUIRE_EQ((*seen)[0], child);
    REQUIRE_EQ((*seen)[1], me);
    in_thread([&] {
      REQUIRE_EQ(sys_getpid(), me);
      REQUIRE(sys_gettid() > 0 && sys_gettid() != me);
      REQUIRE_EQ(syscall(SYS_tgkill, me, sys_gettid(), 0), 0);
      REQUIRE_ERROR(syscall(SYS_tgkill, me + 1000, sys_gettid(), 0), ESRCH);
    });
    if (depth) REQUIRE_EQ(child, 2);
  });
}

void clone_writes_tids(int depth) {
  at_depth(depth, [] {
    auto* word = shared<pid_t[2]>();
    const long child = syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | SIGCHLD, nullptr, &(*word)[0],
                               &(*word)[1], nullptr);
    if (child == 0) _exit((*word)[1] == sys_getpid() ? 0 : 1);
    REQUIRE(child > 0);
    reap(static_cast<pid_t>(child));
    REQUIRE_EQ((*word)[0], child);
    REQUIRE_EQ((*word)[1], child);
  });
}

void proc_self(int depth) {
  at_depth(depth, [&] {
    fresh_proc();
    const std::string me = std::to_string(sys_getpid());
    REQUIRE(link_of("/proc/self") == me);
    REQUIRE(link_of("/proc/thread-self") == me + "/task/" + me);
    in_thread([&] { REQUIRE(link_of("/proc/thread-self") == me + "/task/" + std::to_string(sys_gettid())); });
    REQUIRE_NUMBERS("/proc/self/status", "Pid", {sys_getpid()});
    REQUIRE_NUMBERS("/proc/self/status", "PPid", {sys_getppid()});
    if (max_depth == 0) {
      REQUIRE(!numbers_of("/proc/self/status", "NSpid"));
      return;
    }
    REQUIRE_NUMBERS("/proc/self/status", "NSpid", {sys_getpid()});
    REQUIRE_NUMBERS("/proc/self/status", "NStgid", {sys_getpid()});
    REQUIRE_NUMBERS("/proc/self/status", "NSpgid", {getpgid(0)});
    REQUIRE_NUMBERS("/proc/self/status", "NSsid", {getsid(0)});
  });
}

void status_from_above(int depth) {
  Sitter sitter(depth, [] { REQUIRE(setsid() > 0); });
  // The byte comes before setsid(): wait for its effect.
  while (getsid(sitter.pid) != sitter.pid) usleep(1000);
  const std::string path = "/proc/" + std::to_string(sitter.pid) + "/status";
  REQUIRE_NUMBERS(path, "Pid", {sitter.pid});
  std::vector<int> numbers{sitter.pid};
  // In each namespace the inits of those below it are numbers 2, 3, … in the order they were made.
  for (int level = 1; level <= depth; ++level) numbers.push_back(depth - level + 1);
  for (const char* key : {"NSpid", "NStgid", "NSpgid", "NSsid"})
    if (max_depth > 0) expect_numbers(__LINE__, path, key, numbers);
  sitter.release();
}

void credentials(int depth) {
  Sockets sockets;
  const pid_t me = sys_getpid();
  const pid_t child = spawn(0, [&] {
    at_depth(depth, [&] {
      REQUIRE_EQ(receive_sender(sockets.fd[1]), depth ? 0 : me);
      send_byte(sockets.fd[1]);
      receive_sender(sockets.fd[1]);
    });
  });
  send_byte(sockets.fd[0]);
  const pid_t seen = receive_sender(sockets.fd[0]);
  REQUIRE(seen > 0);
  REQUIRE_EQ(kill(seen, 0), 0);
  send_byte(sockets.fd[0]);
  reap(child);
}

void kill_sees_its_namespace_only(int depth) {
  const pid_t outer = sys_getpid();
  REQUIRE(outer > 3);
  Sitter sitter(depth, [&] {
    if (depth) REQUIRE_ERROR(kill(outer, 0), ESRCH);
    if (depth) REQUIRE_ERROR(pidfd_open(outer), ESRCH);
    REQUIRE_EQ(kill(sys_getpid(), 0), 0);
    REQUIRE_ERROR(kill(4000000, 0), ESRCH);
  });
  REQUIRE_EQ(kill(sitter.pid, 0), 0);
  sitter.release();
  REQUIRE_ERROR(kill(sitter.pid, 0), ESRCH);
}

void signals_tell_the_sender(int depth) {
  block_signal(SIGUSR1);
  block_signal(SIGUSR2);
  const pid_t outer = sys_getpid();
  Gate finished;
  Sitter sitter(depth, [&] {
    REQUIRE_EQ(wait_signal(SIGUSR1).si_pid, depth ? 0 : outer);  // from outside: nobody known here
    const pid_t me = sys_getpid();
    const pid_t child = spawn(0, [&] {
      REQUIRE_EQ(kill(me, SIGUSR2), 0);
      pause();
    });
    REQUIRE_EQ(wait_signal(SIGUSR2).si_pid, child);
    block_signal(SIGCHLD);
    REQUIRE_EQ(kill(child, SIGKILL), 0);
    REQUIRE_EQ(wait_signal(SIGCHLD).si_pid, child);
    siginfo_t info{};
    REQUIRE_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED), 0);
    REQUIRE_EQ(info.si_pid, child);
    finished.open();
  });
  REQUIRE_EQ(kill(sitter.pid, SIGUSR1), 0);
  finished.wait();
  sitter.release();
}

void threads_exec(int depth, const char* how) {
  at_depth(depth, [&] {
    // A child of PID 1 and PID 1 itself: both must keep their number.
    const auto exec_from_thread = [&] {
      const std::string me = std::to_string(sys_getpid()), parent = std::to_string(sys_getppid());
      in_thread([&] {
        execl("/proc/self/exe", "pidns_conformance", how, me.c_str(), parent.c_str(), nullptr);
        fail(__LINE__, "execl: %s", strerror(errno));
      });
    };
    run(0, exec_from_thread);
    exec_from_thread();
  });
}
void exec_from_thread(int depth) { threads_exec(depth, "--after-exec"); }

int after_exec(const char* pid, const char* parent) {
  const int me = atoi(pid);
  bool ok = sys_getpid() == me && sys_gettid() == me && sys_getppid() == atoi(parent);
  ok = ok && syscall(SYS_set_tid_address, nullptr) == me;
  pthread_t thread;
  static int expected;
  expected = me;
  void* bad = nullptr;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* { return sys_getpid() == expected && sys_gettid() != expected ? nullptr : &expected; },
      nullptr);
  pthread_join(thread, &bad);
  const pid_t child = raw_clone(0);
  if (child == 0) _exit(sys_getppid() == me && sys_getpid() == sys_gettid() && sys_getpid() != me ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  return ok && !bad && status == 0 ? 0 : 1;
}

void sessions(int depth) {
  at_depth(depth, [&] {
    if (depth) {
      REQUIRE_EQ(getpgid(0), 0);  // the group's leader is outside
      REQUIRE_EQ(getsid(0), 0);
    }
    REQUIRE_EQ(setsid(), sys_getpid());
    REQUIRE_EQ(getsid(0), sys_getpid());
    Gate looked, moved;
    const pid_t me = sys_getpid();
    const pid_t child = spawn(0, [&] {
      REQUIRE_EQ(getpgid(0), me);
      REQUIRE_EQ(getsid(0), me);
      REQUIRE_EQ(getsid(me), me);
      looked.open();
      moved.wait();
      REQUIRE_EQ(getpgid(0), sys_getpid());
      REQUIRE_EQ(kill(0, 0), 0);
    });
    looked.wait();
    REQUIRE_EQ(setpgid(child, child), 0);
    REQUIRE_EQ(getpgid(child), child);
    REQUIRE_ERROR(setpgid(child, 4000000), EPERM);
    moved.open();
    reap(child);
  });
}

void pidfd_info(int depth) {
  const int self = pidfd_open(sys_getpid());
  REQUIRE(self >= 0);
  const pid_t me = sys_getpid();
  Sitter sitter(depth, [&] {
    fresh_proc();
    REQUIRE_NUMBERS(fdinfo(self), "Pid", {depth ? 0 : me});
    if (max_depth) REQUIRE_NUMBERS(fdinfo(self), "NSpid", {depth ? 0 : me});
    const int own = pidfd_open(sys_getpid());
    REQUIRE_NUMBERS(fdinfo(own), "Pid", {sys_getpid()});
    if (max_depth) REQUIRE_NUMBERS(fdinfo(own), "NSpid", {sys_getpid()});
    // Nobody outside may be signalled through a pidfd that happens to be here.
    if (depth) REQUIRE_ERROR(syscall(SYS_pidfd_send_signal, self, 0, nullptr, 0), EINVAL);
  });
  const int fd = pidfd_open(sitter.pid);
  REQUIRE(fd >= 0);
  REQUIRE_EQ(syscall(SYS_pidfd_send_signal, fd, 0, nullptr, 0), 0);
  std::vector<int> numbers{sitter.pid};
  for (int level = 1; level <= depth; ++level) numbers.push_back(depth - level + 1);  // as in status_from_above()
  REQUIRE_NUMBERS(fdinfo(fd), "Pid", {sitter.pid});
  if (max_depth) expect_numbers(__LINE__, fdinfo(fd), "NSpid", numbers);
  sitter.release();
  REQUIRE_NUMBERS(fdinfo(fd), "Pid", {-1});
  if (max_depth) REQUIRE_NUMBERS(fdinfo(fd), "NSpid", {-1});
}

void pi_futex(int depth) {
  at_depth(depth, [] {
    auto* word = shared<uint32_t>();
    const auto futex = [&](int op) { return syscall(SYS_futex, word, op, 0, nullptr, nullptr, 0); };
    REQUIRE_EQ(futex(FUTEX_LOCK_PI), 0);
    REQUIRE_EQ(*word & FUTEX_TID_MASK, sys_gettid());
    REQUIRE_ERROR(futex(FUTEX_LOCK_PI), EDEADLK);
    const pid_t child = spawn(0, [&] {
      REQUIRE_EQ(futex(FUTEX_LOCK_PI), 0);
      REQUIRE_EQ(*word & FUTEX_TID_MASK, sys_gettid());
      REQUIRE_EQ(futex(FUTEX_UNLOCK_PI), 0);
    });
    while (!(__atomic_load_n(word, __ATOMIC_SEQ_CST) & FUTEX_WAITERS)) usleep(1000);
    REQUIRE_EQ(futex(FUTEX_UNLOCK_PI), 0);
    reap(child);
    *word = 4000000;  // an owner that does not exist
    REQUIRE_ERROR(futex(FUTEX_LOCK_PI), ESRCH);
  });
}

void set_tid(int depth) {
  const auto refused = [](uint64_t flags, const std::vector<pid_t>& tids, int error) {
    const pid_t pid = raw_clone3(flags, tids);
    if (pid == 0) _exit(0);
    if (pid > 0 || errno != error)
      fail(__LINE__, "clone3 with %zu tids is %d with %s, not %s", tids.size(), pid, strerrorname_np(errno),
           strerrorname_np(error));
  };
  const auto given = [](uint64_t flags, const std::vector<pid_t>& tids, pid_t seen) {
    const pid_t pid = raw_clone3(flags, tids);
    if (pid == 0) _exit(sys_getpid() == tids[0] && sys_gettid() == tids[0] ? 0 : 1);
    REQUIRE_EQ(pid, seen);
    reap(pid);
  };
  at_depth(depth, [&] {
    const size_t levels = static_cast<size_t>(depth) + 1;
    for (size_t n : {levels + 1, levels + 2, size_t{32}, size_t{33}, size_t{1000}})
      refused(0, std::vector<pid_t>(n, 700), EINVAL);
    refused(0, {0}, EINVAL);
    refused(0, {-1}, EINVAL);
    refused(0, {1 << 30}, EINVAL);
    refused(0, {sys_getpid()}, EEXIST);
    given(0, {700}, 700);
    given(0, {700}, 700);  // free again
    std::vector<pid_t> all{700};
    for (int level = 1; level <= depth; ++level) all.push_back(20000 + level);
    given(0, all, 700);
    std::vector<pid_t> bad = all;
    bad.back() = 0;
    refused(0, bad, EINVAL);
    if (depth) {
      bad.back() = 1;  // taken in the initial namespace
      refused(0, bad, EEXIST);
      given(0, {700}, 700);  // and the inner number was given back
    }
    if (depth < max_depth) {
      refused(CLONE_NEWPID, {5}, EINVAL);  // the first one must be 1
      given(CLONE_NEWPID, {1, 701}, 701);
      refused(CLONE_NEWPID, {1, 0}, EINVAL);
      refused(CLONE_NEWPID, std::vector<pid_t>(levels + 2, 1), EINVAL);
    }
  });
}

/// Runs `body` in a child while the kernel gives out numbers below `most` alone.
void with_pid_max(int most, const Body& body) {
  std::string before;
  std::getline(std::ifstream("/proc/sys/kernel/pid_max"), before);
  REQUIRE(std::ofstream("/proc/sys/kernel/pid_max") << most << std::flush);
  const pid_t child = raw_clone(0);
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(std::ofstream("/proc/sys/kernel/pid_max") << before << std::flush);
  REQUIRE_EQ(status, 0);
}

/// Numbers on both sides of the edges of a bitmap's pages, with 32,768 numbers each.
void numbers_of_several_pages(int depth) {
  with_pid_max(140'000, [depth] {
    at_depth(depth, [] {
      fresh_proc();
      const std::vector<pid_t> numbers = {32767, 32768, 32769, 65535, 65536, 98303, 98304, 131071, 131072};
      for (const pid_t number : numbers) {
        const pid_t pid = raw_clone3(0, {number});
        if (pid == 0) {
          pause();
          _exit(1);
        }
        REQUIRE_EQ(pid, number);
      }
      const std::set<pid_t> listed = listed_in_proc();
      REQUIRE(std::equal(listed.lower_bound(numbers.front()), listed.end(), numbers.begin(), numbers.end()));
      for (const pid_t number : numbers) {
        REQUIRE_ERROR(raw_clone3(0, {number}), EEXIST);
        REQUIRE_EQ(kill(number, SIGKILL), 0);
        REQUIRE_EQ(waitpid(number, nullptr, 0), number);
        REQUIRE_ERROR(kill(number, 0), ESRCH);
      }
      // One after the other, over an edge and from the last number back to the first that is not reserved.
      if (max_depth == 0) return;  // without PID_NS there is no ns_last_pid
      REQUIRE(std::ofstream("/proc/sys/kernel/ns_last_pid") << 32766 << std::flush);
      for (const pid_t number : {32767, 32768, 32769}) {
        const pid_t pid = spawn(0, [] {});
        REQUIRE_EQ(pid, number);
        reap(pid);
      }
      REQUIRE(std::ofstream("/proc/sys/kernel/ns_last_pid") << 139'998 << std::flush);
      const pid_t last = spawn(0, [] {});
      REQUIRE_EQ(last, 139'999);
      reap(last);
      const pid_t first = spawn(0, [] {});
      REQUIRE(first >= 300 && first < 32767);
      reap(first);
    });
  });
}

// ---- which number comes next ----

/// The number given out last in this namespace, by both ways to ask for it.
pid_t last_number() {
  std::string words[4];
  pid_t last = -1;
  std::ifstream in("/proc/loadavg");
  for (std::string& word : words) in >> word;
  REQUIRE(in >> last);
  if (max_depth == 0) return last;  // without PID_NS there is no ns_last_pid
  pid_t also = -1;
  REQUIRE(std::ifstream("/proc/sys/kernel/ns_last_pid") >> also);
  REQUIRE_EQ(also, last);
  return last;
}

void set_last_number(pid_t last) {
  REQUIRE(std::ofstream("/proc/sys/kernel/ns_last_pid") << last << std::flush);
  REQUIRE_EQ(last_number(), last);
}

/// This process's children that stay until ended.
std::set<pid_t> parked_children;

/// One more, with the number that the kernel chooses, or with the one in `set_tid`. -1: there is none, says errno.
pid_t try_to_park(const std::vector<pid_t>& set_tid) {
  const pid_t pid = raw_clone3(0, set_tid);
  if (pid == 0) {
    pause();
    _exit(1);
  }
  if (pid > 0) parked_children.insert(pid);
  return pid;
}
pid_t parked() { return try_to_park({}); }
void park_as(pid_t number) { REQUIRE_EQ(try_to_park({number}), number); }

void end(pid_t pid) {
  REQUIRE_EQ(kill(pid, SIGKILL), 0);
  REQUIRE_EQ(waitpid(pid, nullptr, 0), pid);
  parked_children.erase(pid);
}
void end_parked() {
  while (!parked_children.empty()) end(*parked_children.begin());
}

pid_t come_and_gone() {
  const pid_t pid = spawn(0, [] {});
  reap(pid);
  return pid;
}

/// Goes to where nobody has one of the next 2,000 numbers. Returns the last one.
pid_t in_free_range() {
  const pid_t from = sys_getpid() < 10000 ? 15000 : 2000;  // in the initial namespace, far from the test's own
  if (max_depth > 0) {
    set_last_number(from);
    return come_and_gone();
  }
  // Without PID_NS there is no ns_last_pid.
  for (;;) {
    const pid_t pid = come_and_gone();
    if (pid > 2000 && pid < 30000) return pid;
  }
}

/// This number belongs to nobody.
void require_nobody(pid_t number) {
  REQUIRE_ERROR(kill(number, 0), ESRCH);
  REQUIRE_ERROR(kill(-number, 0), ESRCH);
  REQUIRE_ERROR(pidfd_open(number), ESRCH);
  REQUIRE_ERROR(getpgid(number), ESRCH);
  REQUIRE_ERROR(getsid(number), ESRCH);
  REQUIRE_ERROR(getpriority(PRIO_PROCESS, static_cast<id_t>(number)), ESRCH);
  REQUIRE_ERROR(getpriority(PRIO_PGRP, static_cast<id_t>(number)), ESRCH);
  REQUIRE_ERROR(waitpid(number, nullptr, WNOHANG), ECHILD);
  REQUIRE_ERROR(access(("/proc/" + std::to_string(number) + "/status").c_str(), F_OK), ENOENT);
  REQUIRE_EQ(listed_in_proc().count(number), 0);
}

/// The next number is the first free one behind the last, whatever was freed or taken by set_tid since.
void next_numbers(int depth) {
  at_depth(depth, [] {
    fresh_proc();
    pid_t last = in_free_range();
    REQUIRE_EQ(last_number(), last);
    require_nobody(last);
    require_nobody(last + 1);
    REQUIRE_EQ(parked(), last + 1);  // what was freed just now does not come again
    last += 1;
    REQUIRE_EQ(last_number(), last);
    require_nobody(last + 1);

    // The next one by set_tid, which does not move the last one.
    park_as(last + 1);
    REQUIRE_EQ(last_number(), last);
    REQUIRE_ERROR(raw_clone3(0, {last + 1}), EEXIST);
    REQUIRE_EQ(parked(), last + 2);
    REQUIRE_EQ(last_number(), last + 2);
    last += 2;
    for (int i = 0; i < 3; ++i) {  // and given back, it comes next
      park_as(last + 1);
      end(last + 1);
      require_nobody(last + 1);
    }
    REQUIRE_EQ(last_number(), last);
    REQUIRE_EQ(parked(), last + 1);
    last += 1;

    // Numbers ahead, taken and freed: the first free one comes, and those behind do not.
    for (int i = 1; i <= 6; ++i) park_as(last + i);
    require_nobody(last + 7);
    end(last + 5);
    end(last + 2);
    end(last + 4);
    for (int i : {2, 4, 5, 7}) require_nobody(last + i);
    REQUIRE_EQ(last_number(), last);
    REQUIRE_EQ(parked(), last + 2);
    REQUIRE_EQ(last_number(), last + 2);
    end(last + 2);
    end(last + 1);
    REQUIRE_EQ(parked(), last + 4);
    park_as(last + 5);
    end(last + 6);
    REQUIRE_EQ(parked(), last + 6);
    REQUIRE_EQ(parked(), last + 7);
    last += 7;

    // The edge of a tree's leaf is somewhere among these.
    for (int i = 1; i <= 130; ++i) {
      REQUIRE_EQ(come_and_gone(), last + 1);
      last += 1;
      REQUIRE_EQ(last_number(), last);
    }
    for (int i = 1; i <= 130; ++i) park_as(last + i);
    for (int i = 130; i >= 1; --i) {
      end(last + i);
      if (i % 10 == 0) require_nobody(last + i);
    }
    for (int i = 1; i <= 130; ++i) REQUIRE_EQ(parked(), last + i);
    end_parked();
  });
}

/// A number that a fork took before it failed is passed over; one that set_tid asked for is not.
void next_numbers_after_failures(int depth) {
  at_depth(depth, [depth] {
    fresh_proc();
    pid_t last = in_free_range();
    rlimit before{};
    REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    int pidfd = -1;
    for (const bool chosen : {false, true, false, true}) {
      REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
      const std::vector<pid_t> number = {last + 1};
      REQUIRE_ERROR(raw_clone3(CLONE_PIDFD, chosen ? number : std::vector<pid_t>{}, &pidfd), EMFILE);
      REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
      if (!chosen) last += 1;
      REQUIRE_EQ(last_number(), last);
      require_nobody(last + 1);
      REQUIRE_EQ(come_and_gone(), last + 1);
      last += 1;
    }
    if (depth == 0) return;
    for (int i = 0; i < 3; ++i) {
      REQUIRE_ERROR(raw_clone3(0, {last + 1, 1}), EEXIST);  // the parent namespace has a PID 1
      REQUIRE_ERROR(raw_clone3(0, {last + 1, 0}), EINVAL);
      REQUIRE_EQ(last_number(), last);
      require_nobody(last + 1);
    }
    REQUIRE_EQ(parked(), last + 1);
    REQUIRE_EQ(parked(), last + 2);
  });
}

/// ns_last_pid is believed whenever it is written.
void last_number_written(int depth) {
  if (max_depth == 0) return;  // without PID_NS there is no ns_last_pid
  at_depth(depth, [depth] {
    fresh_proc();
    const pid_t last = in_free_range(), other = last + 1000;
    for (const pid_t number : {last, other, last, other - 1, last - 1, other}) {
      set_last_number(number);
      require_nobody(number + 1);
      REQUIRE_EQ(come_and_gone(), number + 1);
      REQUIRE_EQ(last_number(), number + 1);
    }
    // A number freed while another one was the last.
    set_last_number(last);
    REQUIRE_EQ(parked(), last + 1);
    park_as(last + 2);
    park_as(last + 3);
    set_last_number(other);
    end(last + 2);
    set_last_number(last + 1);
    REQUIRE_EQ(parked(), last + 2);
    REQUIRE_EQ(parked(), last + 4);
    // One taken meanwhile.
    set_last_number(other);
    park_as(last + 5);
    set_last_number(last + 4);
    REQUIRE_EQ(parked(), last + 6);
    set_last_number(other);
    REQUIRE_EQ(parked(), other + 1);
    set_last_number(last);
    REQUIRE_EQ(parked(), last + 7);
    // 1 is the least that comes after 0, and it is taken; then what is below the reserved ones.
    set_last_number(0);
    const pid_t low = come_and_gone();
    REQUIRE(depth ? low == 2 : low < 300);
    set_last_number(299);
    if (depth) REQUIRE_EQ(come_and_gone(), 300);
    if (depth) REQUIRE_EQ(come_and_gone(), 301);
    if (depth == 0) return end_parked();
    std::set<pid_t> all = parked_children;
    all.insert(1);
    REQUIRE(listed_in_proc() == all);
    REQUIRE_EQ(kill(-1, SIGKILL), 0);
    for (size_t i = 0; i < parked_children.size(); ++i) REQUIRE(wait(nullptr) > 0);
    REQUIRE_ERROR(wait(nullptr), ECHILD);
    REQUIRE(listed_in_proc() == std::set<pid_t>{1});
  });
}

void write_pid_max(int most) { REQUIRE(std::ofstream("/proc/sys/kernel/pid_max") << most << std::flush); }

/// pid_max goes below the next number, and up again.
void pid_max_moves(int depth) {
  if (max_depth == 0) return;    // without PID_NS there is no ns_last_pid
  with_pid_max(32768, [depth] {  // which gives back what was
    set_last_number(20000);      // outside, so that it has free numbers wherever pid_max is
    at_depth(depth, [depth] {
      fresh_proc();
      set_last_number(1000);
      REQUIRE_EQ(come_and_gone(), 1001);
      write_pid_max(1002);
      REQUIRE_ERROR(raw_clone3(0, {1002}), EINVAL);
      const pid_t first = come_and_gone();  // over the end
      REQUIRE(depth ? first == 300 : first >= 300 && first < 1002);
      REQUIRE_EQ(last_number(), first);

      // What had to go over the end need not any more.
      set_last_number(1000);
      REQUIRE_EQ(come_and_gone(), 1001);
      write_pid_max(32768);
      REQUIRE_EQ(come_and_gone(), 1002);

      // A number freed above pid_max, which rises again.
      set_last_number(1000);
      park_as(1001);
      park_as(1002);
      REQUIRE_EQ(come_and_gone(), 1003);
      set_last_number(1000);
      park_as(1003);
      write_pid_max(1001);
      require_nobody(1004);
      end(1002);
      write_pid_max(32768);
      REQUIRE_EQ(parked(), 1002);
      REQUIRE_EQ(come_and_gone(), 1004);

      // Down and up with nothing in between.
      write_pid_max(1001);
      write_pid_max(32768);
      REQUIRE_EQ(come_and_gone(), 1005);
      set_last_number(32766);
      REQUIRE_EQ(come_and_gone(), 32767);
      const pid_t wrapped = come_and_gone();
      REQUIRE(depth ? wrapped == 300 : wrapped >= 300 && wrapped < 1001);
      end_parked();
    });
  });
}

/// A namespace with few numbers gives out each of them, then none, and then those that are given back.
void numbers_used_up(int depth) {
  if (max_depth == 0) return;  // without PID_NS there is no ns_last_pid
  with_pid_max(32768, [depth] {
    set_last_number(20000);  // outside: the numbers below 360 are not needed there
    at_depth(depth, [depth] {
      fresh_proc();
      for (pid_t number = 300; number < 360; ++number) {
        if (try_to_park({number}) == number) continue;
        REQUIRE(depth == 0 && errno == EEXIST);
      }
      const std::set<pid_t> all = parked_children;
      REQUIRE(all.size() > 40 && (depth == 0 || all.size() == 60));
      const auto require_none = [&] {
        REQUIRE(parked_children == all);
        const std::set<pid_t> listed = listed_in_proc();
        REQUIRE(std::includes(listed.begin(), listed.end(), all.begin(), all.end()));
        REQUIRE(depth == 0 || listed.size() == all.size() + 1);
        const pid_t last = last_number();
        for (int i = 0; i < 2; ++i) REQUIRE_ERROR(parked(), EAGAIN);
        REQUIRE_EQ(last_number(), last);
        REQUIRE_ERROR(raw_clone3(0, {360}), EINVAL);
      };
      write_pid_max(360);
      set_last_number(*all.rbegin());
      require_none();
      // Some are given back, in the order of `places` among all. They come again in another: those behind the last one
      // first.
      for (const std::vector<size_t>& places :
           {std::vector<size_t>{10}, {39}, {38}, {21}, {40, 11}, {11, 40}, {12, 22, 13}, {0}, {1, 0}}) {
        std::vector<pid_t> order;
        for (const size_t place : places) {
          order.push_back(*std::next(all.begin(), static_cast<long>(place)));
          end(order.back());
        }
        std::sort(order.begin(), order.end());
        std::rotate(order.begin(), std::upper_bound(order.begin(), order.end(), last_number()), order.end());
        for (const pid_t number : order) {
          REQUIRE_EQ(parked(), number);
          REQUIRE_EQ(last_number(), number);
        }
        require_none();
      }
      // The only free one by set_tid.
      end(*all.rbegin());
      park_as(*all.rbegin());
      require_none();
      write_pid_max(32768);
      const pid_t next = last_number() + 1;
      REQUIRE(parked() >= std::max(next, 360));
      end_parked();
    });
  });
}

/// How mainline chooses numbers, in a namespace where only the test makes processes.
struct Numbers {
  int pid_max = 32768;
  pid_t cursor = 0;
  std::set<pid_t> taken;

  /// The next one; nullopt: there is none.
  std::optional<pid_t> next() const {
    const pid_t least = cursor > 300 ? 300 : 1;
    for (const pid_t from : {std::max(cursor, least), least}) {
      for (pid_t number = from; number < pid_max; ++number) {
        if (taken.count(number) == 0) return number;
      }
    }
    return std::nullopt;
  }
};

/// Whatever happens to the numbers, the next one is the one that mainline gives out.
void numbers_at_random(int) {
  constexpr int kSteps = 4000;
  constexpr size_t kMostChildren = 150;
  constexpr size_t kMostLowOnes = 50;  // outside, numbers below the lowest pid_max are few
  with_pid_max(32768, [] {
    set_last_number(20000);
    Gate rises, risen;
    const pid_t init = spawn(CLONE_NEWPID, [&] {
      fresh_proc();
      rlimit files{};
      REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
      const rlimit no_files{0, files.rlim_max};
      Numbers numbers{32768, 2, {1}};
      std::set<pid_t> low_ones;  // made while pid_max was low: so are their numbers outside
      uint32_t state = 1;
      const auto random = [&state](int below) {
        state = state * 1664525 + 1013904223;
        return static_cast<int>((state >> 8) % static_cast<uint32_t>(below));
      };
      const auto is_parked = [&](pid_t pid) {
        numbers.taken.insert(pid);
        if (numbers.pid_max < 32768) low_ones.insert(pid);
      };
      for (int step = 0; step < kSteps; ++step) {
        const int choice = random(100);
        const std::optional<pid_t> next = numbers.next();
        const bool crowded = parked_children.size() >= kMostChildren || low_ones.size() >= kMostLowOnes;
        if (choice < 25 || (crowded && choice < 70)) {
          if (parked_children.empty()) continue;
          const auto which = std::next(parked_children.begin(), random(static_cast<int>(parked_children.size())));
          const pid_t pid = *which;
          end(pid);
          numbers.taken.erase(pid);
          low_ones.erase(pid);
        } else if (choice < 55) {
          const pid_t pid = parked();
          if (!next) {
            REQUIRE(pid == -1 && errno == EAGAIN);
            continue;
          }
          REQUIRE_EQ(pid, *next);
          is_parked(pid);
          numbers.cursor = pid + 1;
        } else if (choice < 70) {
          // Near the next one as a rule, and often that one.
          pid_t number = numbers.cursor + random(12) - 4;
          if (choice < 60) number = next.value_or(number);
          if (choice == 69) number = random(500);
          const int error = number < 1 || number >= numbers.pid_max ? EINVAL : numbers.taken.count(number) ? EEXIST : 0;
          const pid_t pid = try_to_park({number});
          if (error == 0) {
            REQUIRE_EQ(pid, number);
            is_parked(pid);
          } else {
            REQUIRE_EQ(pid, -1);
            REQUIRE_EQ(errno, error);
          }
        } else if (choice < 80) {
          if (!next) continue;
          REQUIRE_EQ(come_and_gone(), *next);
          numbers.cursor = *next + 1;
        } else if (choice < 84) {
          if (!next) continue;
          const bool chosen = choice < 82;
          int pidfd = -1;
          REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &no_files), 0);
          REQUIRE_ERROR(raw_clone3(CLONE_PIDFD, chosen ? std::vector<pid_t>{*next} : std::vector<pid_t>{}, &pidfd),
                        EMFILE);
          REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
          if (!chosen) numbers.cursor = *next + 1;
        } else if (choice < 87) {
          const pid_t number = next.value_or(300);
          REQUIRE_ERROR(raw_clone3(0, {number, 1}), EEXIST);
        } else if (choice < 93) {
          pid_t last = std::clamp(numbers.cursor + random(20) - 10, 0, numbers.pid_max);
          if (choice == 92) last = random(400);
          set_last_number(std::min(last, numbers.pid_max));
          numbers.cursor = std::min(last, numbers.pid_max) + 1;
        } else if (choice < 97) {
          constexpr int kMost[] = {370, 385, 400, 32768, 32768};
          numbers.pid_max = kMost[random(5)];
          write_pid_max(numbers.pid_max);
          if (numbers.pid_max == 32768) {
            rises.open();
            risen.wait();
          }
        } else {
          if (next) require_nobody(*next);
        }
        REQUIRE_EQ(last_number(), numbers.cursor - 1);
      }
      std::set<pid_t> all = parked_children;
      all.insert(1);
      REQUIRE(listed_in_proc() == all);
    });
    // Outside, children of a high pid_max have high numbers, so that those of a low one find a number.
    close(rises.fd[1]);
    for (char c; read(rises.fd[0], &c, 1) == 1;) {
      set_last_number(20000);
      risen.open();
    }
    reap(init);
  });
}

void orphans(int depth) {
  at_depth(depth, [&] {
    Gate reparented;
    const pid_t me = sys_getpid();
    REQUIRE_EQ(prctl(PR_SET_CHILD_SUBREAPER, depth ? 0 : 1, 0, 0, 0), 0);  // PID 1 needs no telling
    run(0, [&] {
      const pid_t parent = sys_getpid();
      spawn(0, [&] {
        while (sys_getppid() == parent) usleep(1000);
        REQUIRE_EQ(sys_getppid(), me);
        reparented.open();
      });
    });
    reparented.wait();
    REQUIRE(wait(nullptr) > 0);

    // A subreaper in between takes them first.
    run(0, [&] {
      REQUIRE_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
      const pid_t reaper = sys_getpid();
      run(0, [&] {
        const pid_t parent = sys_getpid();
        spawn(0, [&] {
          while (sys_getppid() == parent) usleep(1000);
          REQUIRE_EQ(sys_getppid(), reaper);
        });
      });
      REQUIRE(wait(nullptr) > 0);
    });
  });
}

void pids_come_back(int depth) {
  // 5,000 processes through 1,000 numbers: a number that is not given back, at any level, ends this early.
  with_pid_max(1000, [depth] {
    at_depth(depth, [] {
      std::set<pid_t> seen;
      for (int i = 0; i < 5000; ++i) {
        const pid_t pid = spawn_here(CLONE_VFORK, [](void*) { return sys_getpid() == sys_gettid() ? 0 : 1; });
        if (pid < 0) fail(__LINE__, "fork %d: %s", i, strerror(errno));
        REQUIRE(pid < 1000);
        if (i > 1000) REQUIRE(pid >= 300);
        seen.insert(pid);
        reap(pid);
      }
      REQUIRE(seen.size() > 600);
    });
  });
}

void proc_lists_its_level(int depth) {
  at_depth(depth, [&] {
    fresh_proc();
    const pid_t child = spawn(0, [] { pause(); });
    const std::set<pid_t> listed = listed_in_proc();
    REQUIRE(listed.count(sys_getpid()) == 1);
    REQUIRE(listed.count(child) == 1);
    if (depth) REQUIRE_EQ(static_cast<long long>(listed.size()), 2);  // and nobody from above or beside
    REQUIRE_EQ(kill(child, SIGKILL), 0);
    REQUIRE_EQ(waitpid(child, nullptr, 0), child);
    REQUIRE(access(("/proc/" + std::to_string(child)).c_str(), F_OK) == -1);
  });
}

void waits(int depth) {
  at_depth(depth, [] {
    const auto child = [](int status) {
      const pid_t pid = raw_clone(0);
      if (pid == 0) _exit(status);
      REQUIRE(pid > 0);
      return pid;
    };
    const auto expect_exit = [](pid_t which, pid_t reaped, int expected) {
      int status = 0;
      REQUIRE_EQ(waitpid(which, &status, 0), reaped);
      REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == expected);
    };
    const pid_t first = child(3);
    const pid_t second = child(4);
    expect_exit(second, second, 4);  // by number, not in order
    expect_exit(-1, first, 3);       // any
    const pid_t third = child(5);
    expect_exit(0, third, 5);  // any of the caller's group, whose number here may be 0

    const pid_t leader = child(6);
    // The parent may be too late to move a child that is gone: it is a zombie then, and moves as well.
    REQUIRE_EQ(setpgid(leader, leader), 0);
    const pid_t other = child(7);
    REQUIRE_EQ(setpgid(other, leader), 0);
    int status = 0;
    const pid_t one = waitpid(-leader, &status, 0);
    const pid_t two = waitpid(-leader, &status, 0);
    REQUIRE((one == leader && two == other) || (one == other && two == leader));
    REQUIRE_ERROR(waitpid(-leader, &status, WNOHANG), ECHILD);

    siginfo_t info{};
    const pid_t by_number = child(8);
    REQUIRE_EQ(waitid(P_PID, static_cast<id_t>(by_number), &info, WEXITED), 0);
    REQUIRE_EQ(info.si_pid, by_number);
    REQUIRE_EQ(info.si_status, 8);
    const pid_t by_pidfd = child(9);
    const int pidfd = pidfd_open(by_pidfd);
    REQUIRE(pidfd >= 0);
    REQUIRE_EQ(waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(pidfd), &info, WEXITED), 0);
    REQUIRE_EQ(info.si_pid, by_pidfd);
    REQUIRE_ERROR(waitpid(-1, &status, 0), ECHILD);
    REQUIRE_ERROR(waitpid(by_number, &status, 0), ECHILD);
  });
}

void terminals(int depth) {
  at_depth(depth, [&] {
    own_mounts();
    REQUIRE(mount("devpts", "/dev", "devpts", 0, "ptmxmode=0666") == 0);
    const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    REQUIRE(master >= 0);
    const int unlocked = 0;
    REQUIRE_EQ(ioctl(master, TIOCSPTLCK, &unlocked), 0);
    const int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    REQUIRE(terminal >= 0);
    const auto foreground = [&] {
      pid_t group = -1;
      REQUIRE_EQ(ioctl(master, TIOCGPGRP, &group), 0);
      return group;
    };
    Gate ready;
    const pid_t leader = spawn(0, [&] {
      signal(SIGTTOU, SIG_IGN);
      REQUIRE_EQ(setsid(), sys_getpid());
      REQUIRE_EQ(ioctl(terminal, TIOCSCTTY, 0), 0);
      REQUIRE_EQ(foreground(), sys_getpid());
      pid_t session = -1;
      REQUIRE_EQ(ioctl(terminal, TIOCGSID, &session), 0);
      REQUIRE_EQ(session, sys_getpid());
      const pid_t child = spawn(0, [] { pause(); });
      REQUIRE_EQ(setpgid(child, child), 0);
      REQUIRE_EQ(ioctl(terminal, TIOCSPGRP, &child), 0);
      REQUIRE_EQ(foreground(), child);
      const pid_t nobody = 4000000;
      REQUIRE_ERROR(ioctl(terminal, TIOCSPGRP, &nobody), ESRCH);
      const pid_t self = sys_getpid();
      REQUIRE_EQ(ioctl(terminal, TIOCSPGRP, &self), 0);
      if (depth < max_depth) run(CLONE_NEWPID, [&] { REQUIRE_EQ(foreground(), 0); });  // seen from below: nobody
      REQUIRE_EQ(kill(child, SIGKILL), 0);
      REQUIRE_EQ(waitpid(child, nullptr, 0), child);
      ready.open();
      signal(SIGHUP, SIG_IGN);
      pause();
    });
    ready.wait();
    REQUIRE_EQ(foreground(), leader);
    REQUIRE_EQ(kill(leader, SIGKILL), 0);
    REQUIRE_EQ(waitpid(leader, nullptr, 0), leader);
  });
}

/// Who holds a lock, who connected, who touched a semaphore last, who sent a message: by the asker's numbers, and 0 for
/// one whom the asker's namespace does not know.
void lock_owners(int depth) {
  const int file = memfd_create("locks", 0);
  REQUIRE(file >= 0);
  REQUIRE_EQ(ftruncate(file, 100), 0);
  const auto lock = [&](off_t start) {
    flock range{};
    range.l_type = F_WRLCK;
    range.l_start = start;
    range.l_len = 1;
    return range;
  };
  flock outer = lock(0);
  REQUIRE_EQ(fcntl(file, F_SETLK, &outer), 0);
  const pid_t me = sys_getpid();
  Gate locked;
  Sitter sitter(depth, [&] {
    flock inner = lock(1);
    REQUIRE_EQ(fcntl(file, F_SETLK, &inner), 0);
    flock asked = lock(0);
    REQUIRE_EQ(fcntl(file, F_GETLK, &asked), 0);
    REQUIRE_EQ(asked.l_type, F_WRLCK);
    REQUIRE_EQ(asked.l_pid, depth ? 0 : me);
    locked.open();
  });
  locked.wait();
  flock asked = lock(1);
  REQUIRE_EQ(fcntl(file, F_GETLK, &asked), 0);
  REQUIRE_EQ(asked.l_type, F_WRLCK);
  REQUIRE_EQ(asked.l_pid, sitter.pid);
  sitter.release();
}

void peers(int depth) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "pidns_conformance_%d", sys_getpid());
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE_EQ(listen(listener, 1), 0);
  const auto peer = [](int fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    REQUIRE_EQ(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size), 0);
    return credentials.pid;
  };
  const pid_t me = sys_getpid();
  Gate connected;
  Sitter sitter(depth, [&] {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE_EQ(peer(fd), depth ? 0 : me);
    connected.open();
  });
  connected.wait();
  REQUIRE_EQ(peer(accept(listener, nullptr, nullptr)), sitter.pid);
  sitter.release();
}

void semaphores(int depth) {
  const int set = semget(IPC_PRIVATE, 2, 0600);
  REQUIRE(set >= 0);
  const auto raise = [&](unsigned short which) {
    sembuf up{which, 1, 0};
    REQUIRE_EQ(semop(set, &up, 1), 0);
  };
  raise(0);
  const pid_t me = sys_getpid();
  Gate raised;
  Sitter sitter(depth, [&] {
    raise(1);
    REQUIRE_EQ(semctl(set, 1, GETPID), sys_getpid());
    REQUIRE_EQ(semctl(set, 0, GETPID), depth ? 0 : me);
    raised.open();
  });
  raised.wait();
  REQUIRE_EQ(semctl(set, 0, GETPID), me);
  REQUIRE_EQ(semctl(set, 1, GETPID), sitter.pid);
  sitter.release();
  REQUIRE_EQ(semctl(set, 0, IPC_RMID), 0);
}

void messages(int depth) {
  char name[64];
  snprintf(name, sizeof name, "/pidns_conformance_%d", sys_getpid());
  mq_attr attributes{};
  attributes.mq_maxmsg = 4;
  attributes.mq_msgsize = 8;
  const mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  REQUIRE(queue != -1);
  REQUIRE_EQ(mq_unlink(name), 0);
  const auto notify = [&] {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    REQUIRE_EQ(mq_notify(queue, &event), 0);
  };
  const auto drain = [&] {
    char text[8];
    REQUIRE_EQ(mq_receive(queue, text, sizeof text, nullptr), 1);
  };
  block_signal(SIGUSR1);
  const pid_t me = sys_getpid();
  Gate send, sent, waiting;
  notify();
  Sitter sitter(depth, [&] {
    send.wait();
    REQUIRE_EQ(mq_send(queue, "x", 1, 0), 0);
    sent.open();
    send.wait();
    notify();
    waiting.open();
    const siginfo_t info = wait_signal(SIGUSR1);
    REQUIRE_EQ(info.si_pid, depth ? 0 : me);
  });
  send.open();
  sent.wait();
  const siginfo_t info = wait_signal(SIGUSR1);
  REQUIRE_EQ(info.si_code, SI_MESGQ);
  REQUIRE_EQ(info.si_pid, sitter.pid);
  drain();
  send.open();
  waiting.wait();
  REQUIRE_EQ(mq_send(queue, "x", 1, 0), 0);
  sitter.release();
}

void traced_forks(int depth) {
  Gate go;
  Sitter sitter(depth, [&] {
    go.wait();
    run(0, [] {});
  });
  REQUIRE_EQ(ptrace(PTRACE_SEIZE, sitter.pid, 0, PTRACE_O_TRACEFORK), 0);
  go.open();
  int status = 0;
  REQUIRE_EQ(waitpid(sitter.pid, &status, __WALL), sitter.pid);
  REQUIRE_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_FORK << 8);
  unsigned long message = 0;
  REQUIRE_EQ(ptrace(PTRACE_GETEVENTMSG, sitter.pid, 0, &message), 0);
  const pid_t child = static_cast<pid_t>(message);
  REQUIRE(child > 0 && child != sitter.pid);
  REQUIRE_EQ(waitpid(child, &status, __WALL), child);  // by the tracer's number
  const auto parent = numbers_of("/proc/" + std::to_string(child) + "/status", "PPid");
  REQUIRE(parent && parent->size() == 1);
  REQUIRE_EQ(parent->front(), sitter.pid);
  REQUIRE_EQ(ptrace(PTRACE_DETACH, child, 0, 0), 0);
  REQUIRE_EQ(ptrace(PTRACE_DETACH, sitter.pid, 0, 0), 0);
  sitter.release();
}

/// Tasks of the whole system, the kernel's threads among them.
long tasks_alive() {
  struct sysinfo info {};
  REQUIRE_EQ(sysinfo(&info), 0);
  return info.procs;
}

/// Children that pause, at some depth, as many as the kernel makes. All are gone thereafter.
struct Bomb {
  long children = 0;
  long tasks = 0;  ///< of the whole system, while the children lived
  static Bomb at(int depth) {
    auto* bomb = shared<Bomb>();
    at_depth(depth, [&] {
      std::vector<pid_t> children;
      const auto park = [](void*) -> int {
        for (;;) pause();
      };
      for (pid_t pid; (pid = spawn_here(CLONE_FS | CLONE_FILES, park)) != -1;) children.push_back(pid);
      REQUIRE_EQ(errno, EAGAIN);
      *bomb = {static_cast<long>(children.size()), tasks_alive()};
      if (depth) return;  // the end of a namespace's init ends them all
      for (const pid_t pid : children) REQUIRE_EQ(kill(pid, SIGKILL), 0);
      for (const pid_t pid : children) REQUIRE_EQ(waitpid(pid, nullptr, 0), pid);
    });
    return *bomb;
  }
};

/// Forks until the numbers are used up, and again: as many tasks as before, so that all had come back. A thread that
/// the kernel starts in between takes a child's number.
void fork_bomb(int depth) {
  constexpr int kNumbers = 1200;
  auto* bombs = shared<Bomb[2]>();
  for (Bomb& bomb : *bombs) with_pid_max(kNumbers, [&] { bomb = Bomb::at(depth); });
  REQUIRE((*bombs)[0].children > kNumbers - 600);  // 300 reserved, and who else is there
  REQUIRE_EQ((*bombs)[1].tasks, (*bombs)[0].tasks);
}

// ---- tests of one more level ----

/// At the deepest level the model allows, every way to a further one is refused, and nothing is left of the attempt.
void too_deep(int) {
  if (max_depth == kMainlineDepth) return;  // see deepest()
  at_depth(max_depth, [] {
    fresh_proc();
    const std::string before = link_of("/proc/self/ns/pid_for_children");
    for (int i = 0; i < 3; ++i) {
      REQUIRE_ERROR(unshare(CLONE_NEWPID), EINVAL);
      REQUIRE_ERROR(raw_clone(CLONE_NEWPID), EINVAL);
      REQUIRE_ERROR(raw_clone3(CLONE_NEWPID, {}), EINVAL);
      REQUIRE_ERROR(raw_clone(CLONE_NEWPID | CLONE_NEWUSER), EINVAL);
      REQUIRE_ERROR(unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS), EINVAL);
    }
    REQUIRE(link_of("/proc/self/ns/pid_for_children") == before);
    run(0, [] {});
    in_thread([] {});
  });
}

void deepest(int) {
  if (max_depth < kMainlineDepth) return;  // see too_deep()
  std::function<void(int)> nest = [&](int depth) {
    if (depth < max_depth)
      return run(CLONE_NEWPID, [&] {
        REQUIRE_EQ(sys_getpid(), 1);
        nest(depth + 1);
      });
    REQUIRE_ERROR(unshare(CLONE_NEWPID), ENOSPC);
    REQUIRE_ERROR(raw_clone(CLONE_NEWPID), ENOSPC);
    run(0, [] {});
  };
  nest(0);
}

void unshare_affects_children_only(int) {
  const pid_t me = sys_getpid();
  REQUIRE_EQ(unshare(CLONE_NEWPID), 0);
  REQUIRE_EQ(sys_getpid(), me);
  REQUIRE_EQ(sys_gettid(), me);
  REQUIRE_ERROR(unshare(CLONE_NEWPID), EINVAL);
  pthread_t thread;
  REQUIRE_EQ(pthread_create(
                 &thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr),
             EINVAL);
  Gate quit;
  const pid_t init = spawn(0, [&] {
    REQUIRE_EQ(sys_getpid(), 1);
    quit.wait();
  });
  run(0, [] {
    REQUIRE_EQ(sys_getpid(), 2);
    REQUIRE_EQ(sys_getppid(), 0);
  });
  REQUIRE_EQ(sys_getpid(), me);
  quit.open();
  reap(init);
  REQUIRE_ERROR(raw_clone(0), ENOMEM);  // its init is gone for good
}

/// The first process fails once it has its ids, for want of a descriptor for its pidfd: the namespace has had its
/// chance.
void first_process_fails_late(int) {
  REQUIRE_EQ(unshare(CLONE_NEWPID), 0);
  rlimit before{};
  REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  int pidfd = -1;
  REQUIRE_ERROR(raw_clone3(CLONE_PIDFD, {}, &pidfd), EMFILE);
  REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  REQUIRE_ERROR(raw_clone(0), ENOMEM);
}

/// In the first process of a namespace.
void require_first() {
  REQUIRE_EQ(sys_getpid(), 1);
  REQUIRE_EQ(last_number(), 1);
  REQUIRE_EQ(come_and_gone(), 2);
  REQUIRE_EQ(come_and_gone(), 3);
}

/// The first process fails before it has all its ids: the next one is the first.
void first_process_finds_a_number_taken(int) {
  REQUIRE_EQ(unshare(CLONE_NEWPID), 0);
  for (int i = 0; i < 3; ++i) REQUIRE_ERROR(raw_clone3(0, {1, sys_getpid()}), EEXIST);
  run(0, require_first);
}

/// The same where the namespace above has no number left.
void first_process_finds_no_number(int) {
  with_pid_max(32768, [] {  // which gives back what was
    set_last_number(20000);
    Gate full, enough, room;
    spawn(0, [&] {
      write_pid_max(360);
      std::vector<pid_t> children;
      for (pid_t pid; (pid = raw_clone(0)) != -1;) {
        if (pid == 0) {
          pause();
          _exit(1);
        }
        children.push_back(pid);
      }
      REQUIRE_EQ(errno, EAGAIN);
      REQUIRE(children.size() > 3);
      full.open();
      enough.wait();
      for (int i = 0; i < 3; ++i) end(children[static_cast<size_t>(i)]);
      room.open();
      pause();
    });
    full.wait();
    REQUIRE_EQ(unshare(CLONE_NEWPID), 0);
    for (int i = 0; i < 3; ++i) REQUIRE_ERROR(raw_clone(0), EAGAIN);
    enough.open();
    room.wait();
    run(0, require_first);
  });
}

void setns_goes_down_only(int) {
  const int above = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  REQUIRE(above >= 0);
  const int depth = max_depth > 1 ? 2 : 1;
  Sitter sibling(1);
  const int beside = open(("/proc/" + std::to_string(sibling.pid) + "/ns/pid").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(beside >= 0);
  Sitter sitter(depth, [&] {
    REQUIRE_ERROR(setns(above, CLONE_NEWPID), EINVAL);
    REQUIRE_ERROR(setns(beside, CLONE_NEWPID), EINVAL);
    REQUIRE_ERROR(ioctl(above, kNsGetParent), EPERM);
    REQUIRE_ERROR(ioctl(beside, kNsGetParent), EPERM);
  });
  const int fd = open(("/proc/" + std::to_string(sitter.pid) + "/ns/pid").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  REQUIRE_ERROR(ioctl(above, kNsGetParent), EPERM);
  int parent = ioctl(fd, kNsGetParent);
  REQUIRE(parent >= 0);
  if (depth == 2) parent = ioctl(parent, kNsGetParent);
  struct stat a {
  }, b{};
  REQUIRE(fstat(parent, &a) == 0 && fstat(above, &b) == 0);
  REQUIRE_EQ(a.st_ino, b.st_ino);

  const pid_t me = sys_getpid();
  REQUIRE_EQ(setns(fd, CLONE_NEWPID), 0);
  REQUIRE_EQ(sys_getpid(), me);
  auto* inner = shared<pid_t>();
  Gate go;
  const pid_t injected = spawn(0, [&] {
    *inner = sys_getpid();
    REQUIRE_EQ(sys_getppid(), 0);
    REQUIRE_EQ(kill(1, 0), 0);
    // An orphan of an injected process goes to that namespace's PID 1, not to anyone outside.
    run(0, [&] {
      const pid_t parent_pid = sys_getpid();
      spawn(0, [&] {
        while (sys_getppid() == parent_pid) usleep(1000);
        REQUIRE_EQ(sys_getppid(), 1);
      });
    });
    REQUIRE_EQ(prctl(PR_SET_PDEATHSIG, 0), 0);
    go.wait();
  });
  while (!__atomic_load_n(inner, __ATOMIC_SEQ_CST)) usleep(1000);
  REQUIRE(injected > 3 && *inner >= 2);
  std::vector<int> numbers = *numbers_of("/proc/" + std::to_string(injected) + "/status", "NSpid");
  REQUIRE_EQ(numbers.size(), depth + 1);
  REQUIRE_EQ(numbers.front(), injected);
  REQUIRE_EQ(numbers.back(), *inner);
  go.open();
  reap(injected);
  REQUIRE_EQ(setns(above, CLONE_NEWPID), 0);
  run(0, [] { REQUIRE(sys_getpid() > 3); });
  sitter.release();
  sibling.release();
}

void siblings_see_nothing(int) {
  // B, beside A, has a pidfd of A's PID 1 and a socket to it. Neither tells B a number, though A's 1 is also B's.
  Sockets sockets;
  Gate done;
  Sitter a(1, [&] { send_byte(sockets.fd[0]); });
  const int pidfd = pidfd_open(a.pid);
  REQUIRE(pidfd >= 0);
  const pid_t global = a.pid;
  run(CLONE_NEWPID, [&] {
    fresh_proc();
    REQUIRE_EQ(receive_sender(sockets.fd[1]), 0);
    REQUIRE_NUMBERS(fdinfo(pidfd), "Pid", {0});
    REQUIRE_NUMBERS(fdinfo(pidfd), "NSpid", {0});
    REQUIRE_ERROR(syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0), EINVAL);
    REQUIRE_ERROR(kill(global, 0), ESRCH);
    REQUIRE(access(("/proc/" + std::to_string(global)).c_str(), F_OK) != 0);
    // F_GETOWN shows an owner through one's own namespace.
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE_EQ(fcntl(ends[0], F_SETOWN, 1), 0);
    REQUIRE_EQ(fcntl(ends[0], F_GETOWN), 1);
  });
  a.release();
}

void init_is_unkillable_from_within(int) {
  Gate tried;
  const pid_t init = spawn(CLONE_NEWPID, [&] {
    run(0, [] {
      for (int signal : {SIGKILL, SIGTERM, SIGSTOP, SIGINT}) REQUIRE_EQ(kill(1, signal), 0);
    });
    REQUIRE_EQ(kill(1, SIGKILL), 0);
    tried.open();
    pause();
  });
  tried.wait();
  REQUIRE_EQ(kill(init, SIGTERM), 0);  // no handler: ignored from outside as well
  usleep(20000);
  int status = 0;
  REQUIRE_EQ(waitpid(init, &status, WNOHANG), 0);
  REQUIRE_EQ(kill(init, SIGKILL), 0);
  REQUIRE_EQ(waitpid(init, &status, 0), init);
  REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  REQUIRE_ERROR(kill(init, 0), ESRCH);
}

void death_of_init_takes_all(int) {
  constexpr int kChildren = 40, kRounds = 30;
  struct Numbers {
    int n;
    pid_t pid[kChildren];
  };
  auto* numbers = shared<Numbers>();
  for (int round = 0; round < kRounds; ++round) {
    numbers->n = 0;
    Sockets sockets;
    const pid_t init = spawn(CLONE_NEWPID, [&] {
      for (int i = 0; i < kChildren; ++i)
        spawn(0, [&] {
          if (i % 4 == 0) spawn(0, [] { pause(); });
          if (i % 4 == 1) REQUIRE(setsid() > 0);
          if (i % 4 == 2 && max_depth > 1) spawn(CLONE_NEWPID, [] { pause(); });
          send_byte(sockets.fd[1]);
          if (i % 4 == 3) _exit(0);  // a zombie for zap_pid_ns_processes() to reap
          pause();
        });
      pause();
    });
    for (int i = 0; i < kChildren; ++i) {
      const pid_t pid = receive_sender(sockets.fd[0]);
      if (pid > 0) numbers->pid[numbers->n++] = pid;  // 0: that zombie was reaped already
    }
    REQUIRE_EQ(kill(init, SIGKILL), 0);
    int status = 0;
    REQUIRE_EQ(waitpid(init, &status, 0), init);
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (int i = 0; i < numbers->n; ++i) REQUIRE_ERROR(kill(numbers->pid[i], 0), ESRCH);
  }
}

void short_lived_namespaces(int) {
  // Fork failures of a namespace's first process, and many namespaces: their numbers and their memory come back.
  for (int i = 0; i < 500; ++i) run(CLONE_NEWPID, [] { REQUIRE_EQ(sys_getpid(), 1); });
  std::string before;
  std::getline(std::ifstream("/proc/sys/user/max_pid_namespaces"), before);
  std::ofstream("/proc/sys/user/max_pid_namespaces") << "0" << std::flush;
  const pid_t refused = raw_clone(CLONE_NEWPID);
  const int error = errno;
  if (refused == 0) _exit(0);
  std::ofstream("/proc/sys/user/max_pid_namespaces") << before << std::flush;
  REQUIRE(refused == -1 && error == ENOSPC);
  run(CLONE_NEWPID, [] { REQUIRE_EQ(sys_getpid(), 1); });
}

/// In bytes. What lies free in slabs is given back before.
long free_memory() {
  sync();
  REQUIRE(std::ofstream("/proc/sys/vm/drop_caches") << "3" << std::flush);
  sleep(1);  // what RCU has still to free
  for (const auto& cache : std::filesystem::directory_iterator("/sys/kernel/slab")) {
    if (!cache.is_symlink()) std::ofstream(cache.path() / "shrink") << "1" << std::flush;
  }
  // Those of each zone, and those that each CPU keeps at hand.
  long pages = 0;
  std::ifstream in("/proc/zoneinfo");
  for (std::string word, before; in >> word; before = word) {
    if ((before == "pages" && word == "free") || word == "count:") {
      long more = 0;
      REQUIRE(in >> more);
      pages += more;
    }
  }
  REQUIRE(pages > 0);
  return pages * sysconf(_SC_PAGESIZE);
}

/// What a namespace keeps when its numbers have been given out all around, of 4 million. It says how much that is, and
/// conformance_test judges: under KASAN what was freed stays for a while.
void memory_of_a_whole_cycle(int) {
  constexpr int kMost = 4'194'304;
  constexpr int kStep = 32'768;  // numbers in a bitmap's page; in a leaf of the IDR there are less
  constexpr int kNamespaces = 16;
  with_pid_max(kMost, [] {
    std::vector<pid_t> inits;
    Gate ready, go, done, end;
    for (int i = 0; i < kNamespaces; ++i) {
      inits.push_back(spawn(CLONE_NEWPID, [&] {
        const auto give_out = [](pid_t number) {
          const pid_t pid = raw_clone3(0, {number});
          if (pid == 0) _exit(0);
          REQUIRE_EQ(pid, number);
          reap(pid);
        };
        give_out(1000);
        ready.open();
        go.wait();
        for (int number = kStep + 1000; number < kMost; number += kStep) give_out(number);
        done.open();
        end.wait();
      }));
    }
    for (int i = 0; i < kNamespaces; ++i) ready.wait();
    const long before = free_memory();
    for (int i = 0; i < kNamespaces; ++i) go.open();
    for (int i = 0; i < kNamespaces; ++i) done.wait();
    const long kept = (before - free_memory()) / kNamespaces;
    for (int i = 0; i < kNamespaces; ++i) end.open();
    for (const pid_t init : inits) reap(init);
    dprintf(STDOUT_FILENO, "a namespace whose ids have gone through %d keeps %ld KiB more\n", kMost, kept / 1024);
  });
}

/// How many objects are in use in a cache of the kernel's, whose free slabs are given back before. Wants SLUB_DEBUG.
long objects_of(const std::string& name) {
  const std::filesystem::path cache = "/sys/kernel/slab/" + name;
  REQUIRE(std::filesystem::is_directory(std::filesystem::symlink_status(cache)));  // there, not merged with another
  // On Linux 6.1, giving back may start a thread of the kernel's. Its pid comes from slabs that then count as full.
  long objects = -1;
  for (long before = -2; objects != before;) {
    before = objects;
    REQUIRE(std::ofstream(cache / "shrink") << "1" << std::flush);
    REQUIRE(std::ifstream(cache / "objects") >> objects);
  }
  return objects;
}

bool has_cache(const std::string& name) { return std::filesystem::exists("/sys/kernel/slab/" + name); }

/// The objects that stand for pids beyond one for each task: those that a group, a session or an open file still holds,
/// and those that are lost. Kernel threads that come and go do not change it.
struct SpareObjects {
  long pids = 0;
  long upids = 0;  ///< with `list`, which keeps them apart
  static SpareObjects now() {
    SpareObjects spare;
    spare.pids = objects_of("pid") - tasks_alive();
    // Deeper namespaces have larger ones, in caches that are made when first needed.
    for (int level = 1; level <= kMainlineDepth; ++level) {
      const std::string name = "pid_" + std::to_string(level + 1);
      if (has_cache(name)) spare.pids += objects_of(name);
    }
    if (has_cache("upid")) spare.upids = objects_of("upid") - tasks_alive();
    return spare;
  }
};

/// Forks until all numbers are used up, in the deepest namespace that other tests go to; its end gives all back, and of
/// the memory for them nothing is lost.
void fork_bomb_of_all_numbers(int) {
  long numbers = 0;
  REQUIRE(std::ifstream("/proc/sys/kernel/pid_max") >> numbers);
  REQUIRE(std::ofstream("/proc/sys/kernel/threads-max") << 4 * numbers << std::flush);
  sleep(1);  // what RCU has still to free of the tests before
  const SpareObjects before = SpareObjects::now();
  REQUIRE(Bomb::at(std::min(max_depth, kDeepest)).children > numbers - 600);  // 300 reserved, and who else is there
  SpareObjects after;
  for (int tries = 0; tries < 60; ++tries) {
    sleep(1);  // and of this one: under KASAN and its like that takes seconds
    after = SpareObjects::now();
    if (after.pids <= before.pids && after.upids <= before.upids) break;
  }
  REQUIRE_EQ(after.pids, before.pids);
  REQUIRE_EQ(after.upids, before.upids);
}

/// With KMEMLEAK: after all of the above, nothing was lost.
void leaks_nothing(int) {
  own_mounts();
  if (mount("debugfs", "/dev", "debugfs", 0, nullptr) != 0 || access("/dev/kmemleak", F_OK) != 0)
    skip("the kernel has no KMEMLEAK");
  sleep(6);  // younger objects are not suspected
  for (int scan = 0; scan < 2; ++scan) REQUIRE(std::ofstream("/dev/kmemleak") << "scan" << std::flush);
  std::stringstream leaks;
  leaks << std::ifstream("/dev/kmemleak").rdbuf();
  if (!leaks.str().empty()) fail(__LINE__, "KMEMLEAK: %s", leaks.str().c_str());
}

// ---- running them ----

struct Behaviour {
  const char* name;
  void (*body)(int depth);
  bool at_each_depth;
  int needs;  // levels below the initial one
};

constexpr Behaviour kBehaviours[] = {
    {"own_ids", own_ids, true, 0},
    {"clone_writes_tids", clone_writes_tids, true, 0},
    {"proc_self", proc_self, true, 0},
    {"status_from_above", status_from_above, true, 0},
    {"credentials", credentials, true, 0},
    {"kill_sees_its_namespace_only", kill_sees_its_namespace_only, true, 0},
    {"signals_tell_the_sender", signals_tell_the_sender, true, 0},
    {"exec_from_thread", exec_from_thread, true, 0},
    {"sessions", sessions, true, 0},
    {"pidfd_info", pidfd_info, true, 0},
    {"pi_futex", pi_futex, true, 0},
    {"set_tid", set_tid, true, 0},
    {"numbers_of_several_pages", numbers_of_several_pages, true, 0},
    {"next_numbers", next_numbers, true, 0},
    {"next_numbers_after_failures", next_numbers_after_failures, true, 0},
    {"last_number_written", last_number_written, true, 0},
    {"pid_max_moves", pid_max_moves, true, 0},
    {"numbers_used_up", numbers_used_up, true, 0},
    {"orphans", orphans, true, 0},
    {"pids_come_back", pids_come_back, true, 0},
    {"fork_bomb", fork_bomb, true, 0},
    {"proc_lists_its_level", proc_lists_its_level, true, 0},
    {"waits", waits, true, 0},
    {"terminals", terminals, true, 0},
    {"lock_owners", lock_owners, true, 0},
    {"peers", peers, true, 0},
    {"semaphores", semaphores, true, 0},
    {"messages", messages, true, 0},
    {"traced_forks", traced_forks, true, 0},
    {"too_deep", too_deep, false, 0},
    {"deepest", deepest, false, 0},
    {"numbers_at_random", numbers_at_random, false, 1},
    {"unshare_affects_children_only", unshare_affects_children_only, false, 1},
    {"first_process_fails_late", first_process_fails_late, false, 1},
    {"first_process_finds_a_number_taken", first_process_finds_a_number_taken, false, 1},
    {"first_process_finds_no_number", first_process_finds_no_number, false, 1},
    {"setns_goes_down_only", setns_goes_down_only, false, 1},
    {"siblings_see_nothing", siblings_see_nothing, false, 1},
    {"init_is_unkillable_from_within", init_is_unkillable_from_within, false, 1},
    {"death_of_init_takes_all", death_of_init_takes_all, false, 1},
    {"short_lived_namespaces", short_lived_namespaces, false, 1},
    {"memory_of_a_whole_cycle", memory_of_a_whole_cycle, false, 1},
    {"fork_bomb_of_all_numbers", fork_bomb_of_all_numbers, false, 0},
    {"leaks_nothing", leaks_nothing, false, 0},  // the last: it looks at what the others left
};

/// Runs in a process of its own, which adopts what it orphans; all of it is killed at the end, or after 300 s.
class AtDepth : public testing::Test {
 public:
  AtDepth(const Behaviour& behaviour, int depth) : behaviour_(behaviour), depth_(depth) {}
  void TestBody() override {
    reason[0] = '\0';
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(300);
      setpgid(0, 0);
      behaviour_.body(depth_);
      _exit(0);
    }
    setpgid(pid, pid);
    int status = 0;
    waitpid(pid, &status, 0);
    kill(-pid, SIGKILL);
    if (strncmp(reason, kSkipped, strlen(kSkipped)) == 0) GTEST_SKIP() << reason + strlen(kSkipped);
    EXPECT_STREQ(reason, "");
    EXPECT_EQ(status, 0);
  }

 private:
  const Behaviour& behaviour_;
  const int depth_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--after-exec") return after_exec(argv[2], argv[3]);
  testing::InitGoogleTest(&argc, argv);
  if (argc == 3 && std::string(argv[1]) == "--max-depth") {
    char* end = nullptr;
    const long value = strtol(argv[2], &end, 10);
    if (end != argv[2] && !*end && value >= 0 && value <= kMainlineDepth) max_depth = static_cast<int>(value);
  }
  if (max_depth < 0) {
    fprintf(stderr,
            "usage: pidns_conformance --max-depth N   (0 without pid namespaces, 1 flat, 2 static3, 32 multi, list)\n");
    return 2;
  }
  if (geteuid() != 0 || access("/proc/self/status", R_OK) != 0) {
    fprintf(stderr, "pidns_conformance: needs root, and /proc mounted\n");
    return 3;
  }
  reason = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (reason == MAP_FAILED) {
    perror("pidns_conformance: mmap");
    return 3;
  }
  for (const Behaviour& behaviour : kBehaviours) {
    if (behaviour.needs > max_depth) continue;
    const int deepest_run = !behaviour.at_each_depth ? 0 : std::min(max_depth, kDeepest);
    for (int depth = 0; depth <= deepest_run; ++depth) {
      const std::string name = behaviour.name + (behaviour.at_each_depth ? "_depth_" + std::to_string(depth) : "");
      testing::RegisterTest("PidNamespaces", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [&behaviour, depth] { return new AtDepth(behaviour, depth); });
    }
  }
  return RUN_ALL_TESTS();
}
