// SPDX-License-Identifier: GPL-2.0
//
// Races for what keeps pids: many processes in several pid namespaces do all at once what takes, finds and frees ids,
// on as many vCPUs as there are. The kernel's own checks (KASAN, lockdep, RCU) see what breaks inside; this program
// sees what a user would: an id that two processes have at once, a process that is not found while it lives, a wait
// that returns another one's status.
//
// Every process that is made notes its id in a table of its namespace, which all share, and its parent takes it out
// before it reaps it: an id that is noted twice was given out twice.
#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nest.h"

namespace {

using nslab::guest::write_setting;

constexpr int kMostIds = 4096;  // of a namespace; pid_max is below
constexpr int kCycle = 32768;   // pid_max where the order of ids is looked at
// An id may come back when so many others have had their turn. The rest of a cycle is for the reserved ones, those in
// use, and the makers, which count an id some time after they got it.
constexpr int kFarApart = kCycle / 4 * 3;
constexpr int kMostNamespaces = 8;  // of those that live throughout
constexpr int kExit = 7;            // of a child that did what it should

/// What is counted, by what it is called.
enum Operation {
  kFork,
  kVfork,
  kThread,
  kSetTid,
  kExecFromThread,
  kKill,
  kPidfd,
  kReaddir,
  kSetns,
  kGroup,
  kNamespace,
  kRefused,
  kOperations
};
constexpr std::array<const char*, kOperations> kNames = {
    "fork",  "vfork",   "thread", "set_tid",       "exec from a thread", "kill",
    "pidfd", "readdir", "setns",  "process group", "namespace",          "refused for want of memory or ids"};

/// What all processes share.
struct Shared {
  std::atomic<bool> stop;
  bool faults;  ///< allocations fail on purpose: a process may be killed for it
  std::atomic<int> violations;
  char first[256];  ///< the first violation, in words
  std::array<std::atomic<std::uint64_t>, kOperations> done;
  std::atomic<int> inits[kMostNamespaces];  ///< of each namespace: its pid 1, as the initial namespace sees it
  std::atomic<std::uint8_t> noted[kMostNamespaces][kMostIds];
  std::atomic<int> prey[kMostNamespaces];   ///< of each namespace: the id that is about to be given back
  std::atomic<std::uint32_t> given;         ///< ids, where their order is looked at
  std::atomic<std::uint32_t> again;         ///< of these, that had been given out less than kFarApart ids before
  std::atomic<std::uint32_t> last[kCycle];  ///< of each id: which of those given it was
};
Shared* shared;

__attribute__((format(printf, 1, 2))) void violation(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  if (shared->violations.fetch_add(1) == 0) std::vsnprintf(shared->first, sizeof shared->first, format, arguments);
  va_end(arguments);
}

void count(Operation operation) { shared->done[operation].fetch_add(1, std::memory_order_relaxed); }

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t bound) {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return static_cast<std::uint32_t>((z ^ z >> 31) % bound);
  }

 private:
  std::uint64_t state_;
};

bool is_want(int error) { return error == EAGAIN || error == ENOMEM || error == ENOSPC || error == EMFILE; }

/// An error that a kernel may always have; anything else is a violation.
void refused(const char* what, int error) {
  count(kRefused);
  if (!is_want(error)) violation("%s: %s", what, std::strerror(error));
}

void pause_for(long microseconds) {
  const timespec time = {0, microseconds * 1000};
  nanosleep(&time, nullptr);
}

/// In a fresh process or thread: its id is nobody else's.
void note(int ns, pid_t id) {
  if (id <= 0 || id >= kMostIds) return violation("id %d is out of range in namespace %d", id, ns);
  if (shared->noted[ns][id].exchange(1) != 0) violation("id %d was given out twice in namespace %d", id, ns);
}
void strike(int ns, pid_t id) { shared->noted[ns][id].store(0); }

/// One of the processes that do all that, in the namespace `ns` with the /proc of it.
class Worker {
 public:
  Worker(int ns, int level, std::uint64_t seed) : ns_(ns), level_(level), random_(seed) {}

  [[noreturn]] void run() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    self_ = getpid();
    note(ns_, self_);
    while (!shared->stop) act();
    strike(ns_, self_);
    _exit(kExit);
  }

 private:
  void act() {
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
        return with_child(fork_child(), kFork);
      case 3:
        return with_child(vfork_child(), kVfork);
      case 4:
        return thread();
      case 5:
        return with_child(set_tid_child(), kSetTid);
      case 6:
        return exec_from_thread();
      case 7:
        return strangers();
      case 8:
        return list();
      case 9:
        return enter();
      case 10:
        return group();
      default:
        return ephemeral();
    }
  }

  /// A child that notes its id and does `body`, which does not return. Its pid, or -1 where the kernel had a want.
  template <class Body>
  pid_t noted_child(Body body) const {
    const pid_t child = fork();
    if (child < 0) refused("fork", errno);
    if (child == 0) {
      const auto id = static_cast<pid_t>(syscall(SYS_getpid));
      note(ns_, id);
      body(id);
    }
    return child;
  }

  [[noreturn]] static void wait_for_the_end() {
    for (;;) pause();
  }

  /// What every child does: it notes its id, idles or not, and ends.
  [[noreturn]] void live(std::uint32_t microseconds) const {
    note(ns_, static_cast<pid_t>(syscall(SYS_getpid)));
    if (microseconds > 0) pause_for(microseconds);
    _exit(kExit);
  }

  pid_t fork_child() {
    const std::uint32_t microseconds = random_.below(2) == 0 ? 0 : random_.below(300);
    const pid_t child = fork();
    if (child == 0) live(microseconds);
    if (child < 0) refused("fork", errno);
    return child;
  }

  pid_t vfork_child() const {
    const pid_t child = vfork();
    if (child == 0) {
      note(ns_, static_cast<pid_t>(syscall(SYS_getpid)));
      _exit(kExit);
    }
    if (child < 0) refused("vfork", errno);
    return child;
  }

  /// A child with an id of our choice: that one or none.
  pid_t set_tid_child() {
    pid_t wanted = 2 + static_cast<pid_t>(random_.below(600));
    clone_args arguments = {};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uintptr_t>(&wanted);
    arguments.set_tid_size = 1;
    const auto child = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (child == 0) live(0);
    // EINVAL: pid_max was lowered meanwhile.
    if (child < 0 && errno != EEXIST && errno != EINVAL) refused("clone3 with set_tid", errno);
    if (child > 0 && child != wanted) violation("clone3 with set_tid %d gave %d", wanted, child);
    return child;
  }

  /// Looks at a child in all ways while it lives, and reaps it.
  void with_child(pid_t child, Operation operation) {
    if (child <= 0) return;
    if (random_.below(2) == 0) {
      if (kill(child, 0) != 0) violation("kill(%d, 0) of a child that was not reaped: %s", child, std::strerror(errno));
      count(kKill);
    }
    if (random_.below(2) == 0) {
      const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
      if (pidfd < 0) {
        if (!is_want(errno))
          violation("pidfd_open(%d) of a child that was not reaped: %s", child, std::strerror(errno));
      } else {
        const int signal = random_.below(4) == 0 ? SIGKILL : 0;
        // A zombie takes no signal.
        if (syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0 && errno != ESRCH) {
          violation("pidfd_send_signal: %s", std::strerror(errno));
        }
        close(pidfd);
        count(kPidfd);
      }
    }
    reap(child);
    count(operation);
  }

  /// Waits until it is a zombie, which has its id still, takes the id out of the table, and reaps it.
  void reap(pid_t child) const {
    siginfo_t info = {};
    while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      return violation("waitid(%d): %s", child, std::strerror(errno));
    }
    if (child < kMostIds) strike(ns_, child);
    shared->prey[ns_] = child;
    int status = 0;
    const pid_t reaped = waitpid(child, &status, 0);
    if (reaped != child) return violation("waitpid(%d) gave %d: %s", child, reaped, std::strerror(errno));
    const bool killed = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || shared->faults);
    constexpr int kCannotStart = 127;  // the C library's, of a program that has no memory to be started
    const bool exited =
        WIFEXITED(status) && (WEXITSTATUS(status) == kExit || (shared->faults && WEXITSTATUS(status) == kCannotStart));
    if (!killed && !exited) {
      violation("process %d ended with status %x", child, static_cast<unsigned>(status));
    }
  }

  static void* in_thread(void* argument) {
    auto* const self = static_cast<Worker*>(argument);
    const auto id = static_cast<pid_t>(syscall(SYS_gettid));
    note(self->ns_, id);
    if (syscall(SYS_getpid) != self->self_) violation("getpid() of a thread is not its leader's id");
    strike(self->ns_, id);  // it ends right here: its id may be given out before this returns
    return nullptr;
  }

  void thread() {
    pthread_t made;
    if (const int error = pthread_create(&made, nullptr, in_thread, this); error != 0) {
      return refused("pthread_create", error);
    }
    pthread_join(made, nullptr);
    count(kThread);
  }

  static void* exec_self(void* argument) {
    const std::string expected = std::to_string(*static_cast<pid_t*>(argument));
    execl("/proc/self/exe", "pidns_races", "--exec", expected.c_str(), nullptr);
    // E2BIG: get_arg_page() says no more than that it has no page. ENOENT: nor does /proc that it has no inode.
    const bool lacks_memory = shared->faults && (errno == E2BIG || errno == ENOENT);
    const bool may_be = is_want(errno) || errno == ENOEXEC || lacks_memory;
    if (!may_be) violation("execl: %s", std::strerror(errno));
    _exit(may_be ? kExit : 1);
  }

  /// A thread that is not the leader execs: it takes the leader's id over.
  void exec_from_thread() {
    const pid_t child = noted_child([](pid_t self) {
      pthread_t made;
      if (pthread_create(&made, nullptr, exec_self, &self) != 0) _exit(kExit);
      wait_for_the_end();
    });
    if (child < 0) return;
    reap(child);
    count(kExecFromThread);
  }

  /// Signals and pidfds for ids of which nothing is known.
  void strangers() {
    for (int i = 0; i < 20; ++i) {
      const pid_t id = 2 + static_cast<pid_t>(random_.below(1000));
      if (kill(id, 0) != 0 && errno != ESRCH && errno != EPERM) violation("kill(%d, 0): %s", id, std::strerror(errno));
      const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, id, 0));
      if (pidfd >= 0) {
        syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0);
        close(pidfd);
      } else if (errno != ESRCH && errno != EINVAL && errno != ENOENT && !is_want(errno)) {
        violation("pidfd_open(%d): %s", id, std::strerror(errno));
      }
    }
    count(kKill);
    count(kPidfd);
  }

  /// /proc lists this process and its child, as long as they live.
  void list() {
    const pid_t child = noted_child([](pid_t) { wait_for_the_end(); });
    if (child < 0) return;
    DIR* const proc = opendir("/proc");
    bool self = false;
    bool other = false;
    errno = 0;
    if (proc != nullptr) {
      while (const dirent* const entry = readdir(proc)) {
        const long id = std::strtol(entry->d_name, nullptr, 10);
        self = self || id == self_;
        other = other || id == child;
      }
      if (errno == 0 && !self) violation("/proc does not list the process that reads it, %d", self_);
      if (errno == 0 && !other) violation("/proc does not list a child that lives, %d", child);
      closedir(proc);
    }
    kill(child, SIGKILL);
    reap(child);
    count(kReaddir);
  }

  /// From the initial namespace a child is made in another one. Its id there is not its parent's to know: it is noted
  /// and struck by itself, before it ends.
  void enter() {
    if (level_ != 0) return;
    const int ns = 1 + static_cast<int>(random_.below(kMostNamespaces - 1));
    const int init = shared->inits[ns];
    if (init == 0) return;
    const pid_t helper = noted_child([&](pid_t) {
      const std::string path = "/proc/" + std::to_string(init) + "/ns/pid";
      const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0 || setns(file, CLONE_NEWPID) != 0) _exit(kExit);
      const pid_t child = fork();
      if (child == 0) {
        const auto id = static_cast<pid_t>(syscall(SYS_getpid));
        note(ns, id);
        if (getppid() != 0) violation("a parent outside of the namespace has an id in it: %d", getppid());
        strike(ns, id);
        _exit(kExit);
      }
      int status = 0;
      if (child > 0 && waitpid(child, &status, 0) != child) violation("waitpid of a child in another namespace");
      _exit(kExit);
    });
    if (helper < 0) return;
    reap(helper);
    count(kSetns);
  }

  /// A child leads a session and a group, a grandchild joins, and a signal to the group ends both.
  void group() {
    const pid_t child = noted_child([this](pid_t own) {
      if (setsid() != own) violation("setsid() did not give the process's id");
      const pid_t grandchild = noted_child([own](pid_t) {
        if (getsid(0) != own || getpgid(0) != own) violation("a child is not in its parent's session and group");
        wait_for_the_end();
      });
      if (grandchild > 0) {
        kill(grandchild, SIGKILL);
        reap(grandchild);
      }
      kill(-own, SIGKILL);
      wait_for_the_end();
    });
    if (child < 0) return;
    reap(child);
    count(kGroup);
  }

  /// A pid namespace comes and goes, with processes in it when its init ends or is killed.
  void ephemeral() {
    clone_args arguments = {};
    arguments.flags = CLONE_NEWPID;
    arguments.exit_signal = SIGCHLD;
    const std::uint32_t children = random_.below(6);
    const bool killed = random_.below(2) == 0;
    const auto init = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (init < 0) {
      // As deep as this model goes, or as this kernel does.
      if (errno != EINVAL && errno != ENOSPC) refused("clone3 of a pid namespace", errno);
      return;
    }
    if (init == 0) {
      if (syscall(SYS_getpid) != 1) violation("the first process of a pid namespace has not the id 1");
      for (std::uint32_t i = 0; i < children; ++i) {
        const pid_t child = fork();
        if (child == 0 && i % 2 == 0) _exit(kExit);
        if (child == 0) wait_for_the_end();
      }
      if (!killed) _exit(kExit);
      wait_for_the_end();
    }
    // The init notes no id: in its own namespace it is 1, and here it is not told. Its parent does.
    note(ns_, init);
    if (killed) {
      pause_for(random_.below(200));
      kill(init, SIGKILL);
    }
    reap(init);
    count(kNamespace);
  }

  const int ns_;
  const int level_;
  Random random_;
  pid_t self_ = 0;
};

/// Looks up the id that is about to be given back, again and again, so that a look-up meets its end: who has found a
/// struct pid may look into it until RCU's grace period is over.
[[noreturn]] void chase(int ns) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (!shared->stop) {
    const pid_t id = shared->prey[ns];
    if (id <= 0) continue;
    kill(id, 0);
    getpgid(id);
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, id, 0));
    if (pidfd >= 0) close(pidfd);
  }
  _exit(kExit);
}

/// Starts workers in this process's namespace and waits for their end, reaping all else that is orphaned to it.
bool run_workers(int ns, int level, int workers, std::uint64_t seed) {
  std::vector<pid_t> made;
  for (int i = 0; i < workers; ++i) {
    const pid_t worker = fork();
    if (worker == 0) Worker(ns, level, seed * 1000 + static_cast<std::uint64_t>(i)).run();
    if (worker > 0) made.push_back(worker);
  }
  bool good = made.size() == static_cast<std::size_t>(workers);
  const pid_t chaser = fork();
  if (chaser == 0) chase(ns);
  if (chaser > 0) made.push_back(chaser);
  for (const pid_t worker : made) {
    int status = 0;
    if (waitpid(worker, &status, 0) != worker || !WIFEXITED(status) || WEXITSTATUS(status) != kExit) {
      if (shared->faults && WIFSIGNALED(status)) continue;
      violation("a worker ended with status %x", static_cast<unsigned>(status));
      good = false;
    }
  }
  return good;
}

/// A namespace that lives throughout, made below the caller's, with workers in it and perhaps one more below.
pid_t start_namespace(int ns, int level, int depth, int workers, std::uint64_t seed) {
  if (unshare(CLONE_NEWPID) != 0) return -1;
  const pid_t init = fork();
  if (init != 0) return init;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("proc", "/proc", "proc", 0, nullptr) != 0) {
    _exit(1);
  }
  note(ns, 1);
  pid_t below = 0;
  if (level < depth) {
    // Its init is forked by a helper: unshare() moves all later children of its caller.
    const pid_t helper = fork();
    if (helper == 0) {
      below = start_namespace(ns + 2, level + 1, depth, workers, seed + 100);
      int status = 0;
      _exit(below > 0 && waitpid(below, &status, 0) == below ? WEXITSTATUS(status) : 1);
    }
    below = helper;
  }
  bool good = run_workers(ns, level, workers, seed);
  int status = 0;
  if (below > 0 && (waitpid(below, &status, 0) != below || WEXITSTATUS(status) != 0)) good = false;
  _exit(good ? 0 : 1);
}

/// Has allocations of slabs and pages fail now and then, in what is started from here on. False: the kernel cannot.
bool inject_faults() {
  bool set = true;
  for (const std::string kind : {"failslab", "fail_page_alloc"}) {
    for (const auto& [setting, value] :
         {std::pair("task-filter", "Y"), std::pair("probability", "1"), std::pair("interval", "50"),
          std::pair("times", "-1"), std::pair("verbose", "0"), std::pair("ignore-gfp-wait", "N")}) {
      set &= write_setting("/sys/kernel/debug/" + kind + "/" + setting, value) == 0;
    }
  }
  return set && write_setting("/proc/self/make-it-fail", "1") == 0;
}

/// Has KCSAN look at all code, and report data races between functions that keep ids: those of the trees and the pids,
/// by their names. What else races in a kernel would drown them. False: the kernel has no KCSAN.
bool look_for_data_races() {
  constexpr const char* kControl = "/sys/kernel/debug/kcsan";
  if (write_setting(kControl, "whitelist") != 0) return false;
  std::FILE* const symbols = std::fopen("/proc/kallsyms", "r");
  if (symbols == nullptr) return false;
  int functions = 0;
  char type = 0;
  char name[512];
  while (std::fscanf(symbols, "%*s %c %511s%*[^\n]", &type, name) == 2) {
    const std::string_view view = name;
    const bool keeps_ids =
        view.find("pid") != view.npos || view.find("radix_tree") != view.npos || view.starts_with("idr_");
    if ((type != 't' && type != 'T') || !keeps_ids) continue;
    if (write_setting(kControl, '!' + std::string(name)) == 0) ++functions;
  }
  std::fclose(symbols);
  std::printf("data races are looked for in %d functions\n", functions);
  // Wait longer at each of more accesses than KCSAN does by itself: a vCPU that is to come by may be waiting for the
  // host.
  const std::string parameters = "/sys/module/kcsan/parameters/";
  if (write_setting(parameters + "udelay_task", "2000") != 0 || write_setting(parameters + "skip_watch", "400") != 0) {
    return false;
  }
  return functions > 100 && write_setting(kControl, "on") == 0;
}

/// What KCSAN has done since it was switched on. False: it has not looked.
bool tell_data_races() {
  std::FILE* const counters = std::fopen("/sys/kernel/debug/kcsan", "r");
  if (counters == nullptr) return false;
  long watched = 0;
  long races = 0;
  char line[256];
  while (std::fgets(line, sizeof line, counters) != nullptr) {
    std::sscanf(line, "setup_watchpoints: %ld", &watched);
    std::sscanf(line, "data_races: %ld", &races);
  }
  std::fclose(counters);
  std::printf("KCSAN watched %ld accesses and saw %ld data races, elsewhere or allowed\n", watched, races);
  return watched > 0 && races > 0;
}

/// Processes on all CPUs make others one by one, and count how many get an id that was given out shortly before,
/// although others are free: kill(2) might hit the wrong process then.
void make_one_by_one(int cpus, int seconds) {
  std::vector<pid_t> makers;
  for (int cpu = 0; cpu < cpus; ++cpu) {
    const pid_t maker = fork();
    if (maker != 0) {
      makers.push_back(maker);
      continue;
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < end) {
      const pid_t child = vfork();
      if (child == 0) _exit(0);
      if (child < 0) continue;
      const std::uint32_t number = ++shared->given;
      const std::uint32_t before = shared->last[child].exchange(number);
      if (before != 0 && number - before < kFarApart) ++shared->again;
      waitpid(child, nullptr, 0);
    }
    _exit(0);
  }
  for (const pid_t maker : makers) waitpid(maker, nullptr, 0);
}

/// The same in the namespace that we are in or, `below`, in one made for it. Returns how many came again.
std::uint32_t look_at_order(int cpus, int seconds, bool below) {
  write_setting("/proc/sys/kernel/pid_max", std::to_string(kCycle));
  shared->given = shared->again = 0;
  for (auto& last : shared->last) last = 0;
  if (!below) {
    make_one_by_one(cpus, seconds);
  } else {
    const pid_t helper = fork();
    if (helper == 0) {
      if (unshare(CLONE_NEWPID) != 0) _exit(1);
      const pid_t init = fork();
      if (init == 0) {
        make_one_by_one(cpus, seconds);
        _exit(0);
      }
      _exit(init > 0 && waitpid(init, nullptr, 0) == init ? 0 : 1);
    }
    waitpid(helper, nullptr, 0);
  }
  if (shared->given == 0) violation("no id was given out where their order is looked at");
  std::printf("%u ids in a row%s, %u of them given out again within three quarters of a cycle\n", shared->given.load(),
              below ? " in a namespace below" : "", shared->again.load());
  return shared->again;
}

int usage() {
  std::fputs("Usage: pidns_races --seconds S --seed N --depth D [--faults] [--data-races] [--ids-may-return]\n",
             stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--exec") {
    const long expected = std::strtol(argv[2], nullptr, 10);
    return getpid() == expected && syscall(SYS_gettid) == expected ? kExit : 1;
  }
  int seconds = 0;
  int depth = -1;
  std::uint64_t seed = 0;
  bool faults = false;
  bool data_races = false;
  bool may_return = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    bool* const flag = word == "--faults"           ? &faults
                       : word == "--data-races"     ? &data_races
                       : word == "--ids-may-return" ? &may_return
                                                    : nullptr;
    if (flag != nullptr) {
      *flag = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    const long value = std::strtol(argv[++i], nullptr, 10);
    if (word == "--seconds") seconds = static_cast<int>(value);
    if (word == "--depth") depth = static_cast<int>(value);
    if (word == "--seed") seed = static_cast<std::uint64_t>(value);
  }
  if (seconds < 1 || depth < 0 || seed == 0) return usage();
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  shared = new (memory) Shared;
  shared->faults = faults;

  // The numbers wrap around within a second.
  constexpr const char* kPidMax = "/proc/sys/kernel/pid_max";
  write_setting(kPidMax, "1000");
  if (faults || data_races) mount("debugfs", "/sys/kernel/debug", "debugfs", 0, nullptr);
  if ((faults && !inject_faults()) || (data_races && !look_for_data_races())) {
    std::fputs("pidns_races: this kernel cannot do it\n", stderr);
    return 1;
  }
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  const auto workers = static_cast<int>(cpus);
  std::vector<pid_t> made;
  // Two siblings, the first of them with a namespace below it.
  for (int ns = 1; ns <= 2 && depth > 0; ++ns) {
    const pid_t helper = fork();
    if (helper == 0) {
      const pid_t init =
          start_namespace(ns, 1, ns == 1 ? std::min(depth, 3) : 1, workers, seed + static_cast<unsigned>(ns));
      if (init < 0) _exit(1);
      shared->inits[ns] = init;
      int status = 0;
      const bool ended = waitpid(init, &status, 0) == init;
      shared->inits[ns] = 0;
      _exit(ended ? WEXITSTATUS(status) : 1);
    }
    made.push_back(helper);
  }
  const pid_t clock = fork();
  if (clock == 0) {
    for (int tenth = 0; tenth < 10 * seconds; ++tenth) {
      pause_for(100'000);
      write_setting(kPidMax, tenth % 2 == 0 ? "700" : "1000");
    }
    shared->stop = true;
    _exit(0);
  }
  bool good = run_workers(0, 0, workers, seed);
  for (const pid_t helper : made) {
    int status = 0;
    if (waitpid(helper, &status, 0) != helper || WEXITSTATUS(status) != 0) good = false;
  }
  // A worker, or a namespace, may not have come about for want of memory. What did must have done something.
  good = good || faults;
  waitpid(clock, nullptr, 0);
  std::uint64_t operations = 0;
  for (const auto& done : shared->done) operations += done;
  if (operations == 0) violation("nothing was done");
  std::printf("%ld vCPUs, %d s, %llu operations:", cpus, seconds, static_cast<unsigned long long>(operations));
  for (int i = 0; i < kOperations; ++i) {
    std::printf("%s %s %llu", i == 0 ? "" : ",", kNames[static_cast<std::size_t>(i)],
                static_cast<unsigned long long>(shared->done[static_cast<std::size_t>(i)].load()));
  }
  std::printf("\n");
  std::uint32_t again = 0;
  if (!faults) {
    again += look_at_order(workers, std::max(1, seconds / 6), false);
    if (depth > 0) again += look_at_order(workers, std::max(1, seconds / 6), true);
  }
  if (data_races && !tell_data_races()) violation("KCSAN sees no data race at all");
  if (again != 0 && !may_return) violation("%u ids were given out again too soon", again);
  if (shared->violations != 0) std::printf("%d violations, the first: %s\n", shared->violations.load(), shared->first);
  return good && shared->violations == 0 ? 0 : 1;
}
