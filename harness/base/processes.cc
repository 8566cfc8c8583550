// SPDX-License-Identifier: GPL-2.0
#include "processes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "clock.h"
#include "files.h"
#include "signals.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

std::string why() { return strerror(errno); }

}  // namespace

Result<Process> Process::start(const Command& command) {
  // Everything that allocates happens before fork: the child of a threaded program may only make system calls.
  std::vector<char*> argv;
  for (const std::string& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    if (!command.environment.contains(std::string(pair.substr(0, pair.find('='))))) environment.emplace_back(pair);
  }
  for (const auto& [key, value] : command.environment) environment.push_back(key + "=" + value);
  std::vector<char*> envp;
  for (std::string& pair : environment) envp.push_back(pair.data());
  envp.push_back(nullptr);

  Fd output;
  if (!command.output.empty()) {
    output = Fd(::open(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!output.valid()) return machine_error("cannot write {}: {}", command.output.string(), why());
  }
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return machine_error("cannot make a pipe: {}", why());
  Fd report_read(pipe_ends[0]);
  Fd report_write(pipe_ends[1]);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return machine_error("cannot fork: {}", why());
  if (pid == 0) {
    ::setpgid(0, 0);
    // PR_SET_PDEATHSIG fires when the parent *thread* ends: the thread that starts a process must wait for its end.
    ::prctl(PR_SET_PDEATHSIG, command.death_signal);
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (const int null = ::open("/dev/null", O_RDONLY); null >= 0) ::dup2(null, 0);
    if (output.valid()) {
      ::dup2(output.get(), 1);
      ::dup2(output.get(), 2);
    }
    if (command.inherited_fd >= 0) ::fcntl(command.inherited_fd, F_SETFD, 0);
    if (command.folder.empty() || ::chdir(command.folder.c_str()) == 0) ::execvpe(argv[0], argv.data(), envp.data());
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
    int status = 0;
    const pid_t done = ::waitpid(pid_, &status, WNOHANG);
    if (done == pid_) return status_ = status;
    const double left = end - monotonic_seconds();
    if (left <= 0) return std::nullopt;
    pollfd wait{pidfd.get(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(left * 1000) + 1);
    if (interrupted() && done == 0) {
      // The child has a process group of its own, so that the terminal's Ctrl-C does not reach it. The caller decides
      // what becomes of it.
      if (::waitpid(pid_, &status, WNOHANG) == pid_) return status_ = status;
      return std::nullopt;
    }
  }
}

void Process::kill(int signal) {
  if (pid_ > 0 && !status_) ::kill(-pid_, signal) == 0 || ::kill(pid_, signal) == 0;
}

std::string describe_status(int wait_status) {
  if (WIFEXITED(wait_status)) return fmt::format("exit status {}", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return fmt::format("signal {} ({})", signal, strsignal(signal));
}

Result<Captured> run_captured(const Command& command) {
  auto folder = TRY(TempFolder::make(fs::temp_directory_path(), "nslab-output"));
  Command redirected = command;
  redirected.output = folder.path() / "output";
  auto process = TRY(Process::start(redirected));
  std::optional<int> status;
  while (!(status = process.wait_for(3600))) {
    if (interrupted()) return interruption();
  }
  auto output = TRY(read_file(redirected.output));
  return Captured{*status, std::move(output)};
}

}  // namespace nslab
