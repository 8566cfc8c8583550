// SPDX-License-Identifier: GPL-2.0
#include "nest.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace nslab::guest {

namespace {

enum class Step : std::int32_t {
  pipe,
  fork,
  unshare_pid,
  unshare_mount,
  mount_private,
  mount_proc,
  residents,
  cgroup,
  prepare,
  descriptors,
  limit,
  exec
};

constexpr std::array<const char*, 12> kStepNames = {"make a pipe",
                                                    "fork",
                                                    "make a pid namespace",
                                                    "make a mount namespace",
                                                    "make the mounts private",
                                                    "mount a /proc",
                                                    "start a resident",
                                                    "enter the cgroup",
                                                    "prepare",
                                                    "set up descriptors",
                                                    "set RLIMIT_STACK",
                                                    "run the program"};

/// The ends of the pipes of NestedProcess::move_ids() that the new namespaces' pid 1s have.
struct Movers {
  int move = -1;
  int moved = -1;
};

/// What goes up the report pipe when something fails. Small enough to be written atomically.
struct Report {
  std::int32_t level;
  std::int32_t error;
  Step step;
};

/// The status of a launcher that has reported. Not read: the report is.
constexpr int kReported = 125;

[[noreturn]] void give_up(int report, int level, Step step, int error = errno) {
  const Report message = {level, error, step};
  [[maybe_unused]] const ssize_t written = write(report, &message, sizeof message);
  _exit(kReported);
}

int exit_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

/// Reaps all that ends until `child` does; its exit code.
int reap_until(pid_t child) {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended == child) return exit_code(status);
    if (ended < 0 && errno != EINTR) return kReported;
  }
}

/// A pid 1 with its child, before it waits for the child's end: moves the next id of its namespace when it is told to.
/// The child may end before.
void move_when_told(const Movers& movers, pid_t child) {
  if (movers.move < 0) return;
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  int error = errno;
  pollfd wait[] = {{movers.move, POLLIN, 0}, {pidfd, POLLIN, 0}};
  while (pidfd >= 0 && poll(wait, 2, -1) < 0 && errno == EINTR) {
  }
  int next = 0;
  const bool told = (wait[0].revents & POLLIN) != 0 && read(movers.move, &next, sizeof next) == sizeof next;
  if (told) error = move_next_id(next);
  if (told || pidfd < 0) {
    [[maybe_unused]] const ssize_t written = write(movers.moved, &error, sizeof error);
  }
  if (pidfd >= 0) close(pidfd);
  close(movers.move);
  close(movers.moved);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// Puts the command's descriptors in place and marks all others to be closed by exec.
bool arrange_descriptors(const NestedCommand& command) {
  if (command.descriptors.empty()) return true;
  // First out of the way of the targets, then into place: {3, 4}, {4, 3} must swap.
  int beyond = 0;
  for (const auto& [from, to] : command.descriptors) beyond = std::max(beyond, to + 1);
  std::vector<int> aside;
  for (const auto& [from, to] : command.descriptors) {
    const int copy = fcntl(from, F_DUPFD_CLOEXEC, beyond);
    if (copy < 0) return false;
    aside.push_back(copy);
  }
  if (close_range(0, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return false;
  for (std::size_t i = 0; i < aside.size(); ++i) {
    if (dup2(aside[i], command.descriptors[i].second) < 0) return false;
  }
  return true;
}

[[noreturn]] void become_command(const NestedCommand& command, int report, int level) {
  // Off the numbers the descriptors land on, but below 64: a larger descriptor table would outlive the exec.
  const int safe_report = fcntl(report, F_DUPFD_CLOEXEC, 32);
  if (safe_report < 0) give_up(report, level, Step::descriptors);
  close(report);
  if (!arrange_descriptors(command)) give_up(safe_report, level, Step::descriptors);
  const std::vector<char*> arguments = pointers(command.arguments);
  const std::vector<char*> environment = pointers(command.environment);
  if (command.stack_limit != 0) {
    rlimit limit = {};
    if (getrlimit(RLIMIT_STACK, &limit) != 0) give_up(safe_report, level, Step::limit);
    limit.rlim_cur = command.stack_limit;
    if (setrlimit(RLIMIT_STACK, &limit) != 0) give_up(safe_report, level, Step::limit);
  }
  execvpe(command.program.c_str(), arguments.data(), environment.data());
  give_up(safe_report, level, Step::exec);
}

/// The deepest level: prepare, then the command as a child.
int run_command(const NestedCommand& command, int report, const Movers& movers, int level) {
  if (command.prepare) {
    if (const int error = command.prepare(); error != 0) give_up(report, level, Step::prepare, error);
  }
  if (command.program.empty()) return 0;
  const pid_t child = fork();
  if (child < 0) give_up(report, level, Step::fork);
  if (child == 0) become_command(command, report, level);
  close(report);
  if (level > 0) move_when_told(movers, child);
  return reap_until(child);
}

/// The new level's pid 1: a /proc that shows its own namespace.
void enter_level(const NestedCommand& command, int report, int level) {
  // Nobody is left behind should the level above be killed.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWNS) != 0) give_up(report, level, Step::unshare_mount);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) give_up(report, level, Step::mount_private);
  // EINVAL: nothing is mounted there, which is as good.
  if (umount2("/proc", MNT_DETACH) != 0 && errno != EINVAL) give_up(report, level, Step::mount_proc);
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    give_up(report, level, Step::mount_proc);
  }
  if (const int error = start_residents(command.residents); error != 0) give_up(report, level, Step::residents, error);
}

/// In a process of `level`: the remaining levels, then the command. The command's exit code.
int descend(const NestedCommand& command, int report, const Movers& movers, int level) {
  if (level == command.depth) return run_command(command, report, movers, level);
  if (unshare(CLONE_NEWPID) != 0) give_up(report, level + 1, Step::unshare_pid);
  const pid_t child = fork();
  if (child < 0) give_up(report, level + 1, Step::fork);
  if (child == 0) {
    enter_level(command, report, level + 1);
    _exit(descend(command, report, movers, level + 1));
  }
  close(report);
  if (level > 0) move_when_told(movers, child);
  return reap_until(child);
}

NestResult failure(Step step, int level, int error) {
  NestResult result;
  const bool forbidden = error == EINVAL || error == ENOSPC || error == EPERM;
  result.kind = step == Step::unshare_pid && forbidden ? NestResult::Kind::refused : NestResult::Kind::failed;
  result.level = level;
  result.error = error;
  result.step = kStepNames[static_cast<std::size_t>(step)];
  return result;
}

}  // namespace

int start_residents(int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  if (count == 0) return 0;
  // On the one vCPU all that can run does so, and sleeps by then.
  const timespec while_they_start = {0, 20'000'000 + 100'000L * count};
  nanosleep(&while_they_start, nullptr);
  return 0;
}

int write_setting(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
  close(file);
  return error;
}

int move_next_id(int next) {
  constexpr char kSetting[] = "/proc/sys/kernel/ns_last_pid";
  const std::string last = std::to_string(next - 1);
  if (const int error = write_setting(kSetting, last); error != 0) return error;
  char text[32] = {};
  const int file = open(kSetting, O_RDONLY | O_CLOEXEC);
  const ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  return got > 0 && last + '\n' == text ? 0 : EPROTO;
}

NestedProcess::~NestedProcess() {
  for (const int descriptor : {report_, move_, moved_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

int NestedProcess::move_ids(int depth, int next) {
  // The deepest reads first or last: each sets its own namespace, and makes no process.
  for (int i = 0; i < depth; ++i) {
    if (write(move_, &next, sizeof next) != sizeof next) return errno;
  }
  for (int i = 0; i < depth; ++i) {
    int error = 0;
    if (read(moved_, &error, sizeof error) != sizeof error) return EPIPE;
    if (error != 0) return error;
  }
  return 0;
}

NestedProcess start_nested(const NestedCommand& command) {
  int report[2];
  int move[2] = {-1, -1};
  int moved[2] = {-1, -1};
  if (pipe2(report, O_CLOEXEC) != 0) return {-1, -1, -1, -1};
  if (command.move_ids && (pipe2(move, O_CLOEXEC) != 0 || pipe2(moved, O_CLOEXEC) != 0)) return {-1, -1, -1, -1};
  const pid_t launcher = fork();
  if (launcher == 0) {
    close(report[0]);
    if (command.move_ids) {
      close(move[1]);
      close(moved[0]);
    }
    if (!command.cgroup.empty()) {
      if (const int error = write_setting(command.cgroup + "/cgroup.procs", "0"); error != 0) {
        give_up(report[1], 0, Step::cgroup, error);
      }
    }
    _exit(descend(command, report[1], {move[0], moved[1]}, 0));
  }
  close(report[1]);
  if (command.move_ids) {
    close(move[0]);
    close(moved[1]);
  }
  return {launcher, report[0], move[1], moved[0]};
}

NestResult NestedProcess::wait() {
  if (report_ < 0) return failure(Step::pipe, 0, EMFILE);
  if (launcher_ < 0) return failure(Step::fork, 0, EAGAIN);
  // The pipe closes when the command is exec'ed, or when the one that failed has said so.
  Report message = {};
  ssize_t got;
  do {
    got = read(report_, &message, sizeof message);
  } while (got < 0 && errno == EINTR);
  const int status = reap_until(launcher_);
  if (got == static_cast<ssize_t>(sizeof message)) return failure(message.step, message.level, message.error);
  NestResult result;
  result.kind = NestResult::Kind::ended;
  result.status = status;
  return result;
}

NestResult run_nested(const NestedCommand& command) { return start_nested(command).wait(); }

}  // namespace nslab::guest
