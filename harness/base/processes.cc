// SPDX-License-Identifier: GPL-2.0
#include "processes.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "clock.h"
#include "files.h"
#include "signals.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
std::string program_path = kPath;

// A signal that arrives between a look at interrupted() and poll(2) wakes nobody, and some containers refuse
// pidfd_open(2): so nothing sleeps longer than this many seconds.
constexpr double kLongestSleep = 0.25;

/// Between fork and exec. Without the right to change the user, nothing changes.
void become_nobody(int group) {
  const auto extra = static_cast<gid_t>(group);
  if (::geteuid() != 0 || ::setgroups(group < 0 ? 0 : 1, &extra) != 0 || ::setgid(kNobody) != 0) return;
  if (::setuid(kNobody) != 0) ::_exit(127);  // half of a change is none that anybody wants
}

/// A limit that the caller set on itself (ulimit -S) shall not end a compiler or QEMU halfway. What the administrator
/// set stays.
void raise_limits() {
  for (const auto resource : {RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_AS}) {
    rlimit limit = {};
    if (::getrlimit(resource, &limit) != 0) continue;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(resource, &limit);
  }
}

}  // namespace

Result<Process> Process::start(const Command& command, int output_fd) {
  // Everything that allocates happens before fork: the child of a threaded program may only make system calls.
  std::vector<char*> argv;
  for (const std::string& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  std::map<std::string, std::string> variables = {{"LC_ALL", "C"}, {"PATH", kPath}, {"TZ", "UTC"}};
  if (command.inherits_environment) {
    variables.clear();
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view pair = *entry;
      const auto equals = std::min(pair.find('='), pair.size() - 1);
      variables[std::string(pair.substr(0, equals))] = pair.substr(equals + 1);
    }
  }
  for (const auto& [key, value] : command.environment) variables[key] = value;
  std::vector<std::string> environment;
  for (const auto& [key, value] : variables) environment.push_back(key + "=" + value);
  std::vector<char*> envp;
  for (std::string& pair : environment) envp.push_back(pair.data());
  envp.push_back(nullptr);

  Fd output;
  if (!command.output.empty()) {
    output = Fd(::open(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!output.valid()) return machine_error("cannot write {}: {}", command.output.string(), errno_text());
    output_fd = output.get();
  }
  // Not by execvp(3), which looks where the caller's PATH leads.
  const fs::path program =
      command.argv[0].find('/') == std::string::npos ? find_program(command.argv[0]) : fs::path(command.argv[0]);
  if (program.empty()) return machine_error("cannot start {}: {}", command.argv[0], strerror(ENOENT));
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return machine_error("cannot make a pipe: {}", errno_text());
  Fd report_read(pipe_ends[0]);
  Fd report_write(pipe_ends[1]);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return machine_error("cannot fork: {}", errno_text());
  if (pid == 0) {
    ::setpgid(0, 0);
    if (!command.inherits_environment) ::umask(022);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // Ignored signals outlive an exec: a caller that ignores SIGCHLD must not make our children do so.
    for (const int ignored : {SIGPIPE, SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGXFSZ}) ::signal(ignored, SIG_DFL);
    raise_limits();
    if (const int null = ::open("/dev/null", O_RDONLY); null >= 0) ::dup2(null, 0);
    if (output_fd >= 0) {
      ::dup2(output_fd, 1);
      ::dup2(output_fd, 2);
    }
    // Nothing that the caller had open reaches a program, least of all QEMU.
    ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const int inherited : command.inherited_fds) ::fcntl(inherited, F_SETFD, 0);
    const bool in_folder = command.folder.empty() || ::chdir(command.folder.c_str()) == 0;
    if (command.as_nobody) {
      become_nobody(command.group);
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }
    // A change of the user forgets it. It fires when the parent *thread* ends: the thread that starts a process must
    // wait for its end.
    ::prctl(PR_SET_PDEATHSIG, command.death_signal);
    if (::getppid() != parent) ::_exit(127);
    if (in_folder) ::execve(program.c_str(), argv.data(), envp.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t told = ::write(report_write.get(), &error, sizeof error);
    ::_exit(127);
  }
  Process process(pid);
  report_write.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(report_read.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof error) return machine_error("cannot start {}: {}", command.argv[0], strerror(error));
  return process;
}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  return *this;
}

Process::~Process() {
  if (pid_ < 0 || status_) return;
  kill(SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<int> Process::wait_for(double seconds) {
  if (status_) return status_;
  const double end = monotonic_seconds() + seconds;
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  for (;;) {
    const bool asked_to_end = interrupted();
    int status = 0;
    const pid_t done = ::waitpid(pid_, &status, WNOHANG);
    if (done == pid_) return status_ = status;
    // Nobody but this object reaps the child, unless the program's caller made it ignore SIGCHLD: then no status is to
    // be had, and the child did end.
    if (done < 0 && errno == ECHILD) return status_ = W_EXITCODE(127, 0);
    const double left = end - monotonic_seconds();
    // The terminal's Ctrl-C does not reach the child's own group.
    if (left <= 0 || asked_to_end) return std::nullopt;
    const double sleep = std::min(left, pidfd.valid() ? kLongestSleep : kLongestSleep / 10);
    pollfd wait{pidfd.get(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(sleep * 1000) + 1);
  }
}

void Process::kill(int signal) {
  if (pid_ > 0 && !status_) ::kill(-pid_, signal) == 0 || ::kill(pid_, signal) == 0;
}

void set_program_path(const std::string& path) { program_path = path.empty() ? kPath : path; }

fs::path find_program(const std::string& name) {
  const std::string_view path = program_path;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    fs::path file = fs::path(path.substr(start, end - start)) / name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    start = end + 1;
  }
  return {};
}

std::string describe_status(int wait_status) {
  if (WIFEXITED(wait_status)) return fmt::format("exit status {}", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return fmt::format("signal {} ({}){}", signal, strsignal(signal),
                     signal == SIGKILL ? ", which the kernel's OOM killer sends when memory runs out" : "");
}

Result<Captured> run_captured(const Command& command) {
  // In memory: a full or missing TMPDIR would make every tool seem to print nothing.
  const Fd memory(::memfd_create("nslab-output", MFD_CLOEXEC));
  if (!memory.valid()) return machine_error("cannot make a file in memory: {}", errno_text());
  auto process = TRY(Process::start(command, memory.get()));
  std::optional<int> status;
  while (!(status = process.wait_for(3600))) {
    if (interrupted()) return interruption();
  }
  if (WIFSIGNALED(*status) && WTERMSIG(*status) == SIGXFSZ)
    return machine_error("{} may write no file as large as it needs: raise the limit (ulimit -f)", command.argv[0]);
  std::string output = TRY(read_file(fmt::format("/proc/self/fd/{}", memory.get())));
  return Captured{*status, std::move(output)};
}

Result<std::string> tool_version(const std::string& tool, const std::string& package) {
  if (find_program(tool).empty()) return machine_error("{} is missing: apt-get install {}", tool, package);
  const auto run = TRY(run_captured({.argv = {tool, "--version"}}));
  if (run.status != 0) {
    return machine_error("{} --version ended with {}:\n{}", tool, describe_status(run.status), run.output);
  }
  return run.output.substr(0, run.output.find('\n'));
}

}  // namespace nslab
