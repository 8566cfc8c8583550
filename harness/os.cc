// SPDX-License-Identifier: GPL-2.0
#include "os.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace nslab {
namespace fs = std::filesystem;

namespace {

std::string why() { return strerror(errno); }

std::atomic<bool> g_interrupted = false;

void on_interrupt(int signal) {
  if (g_interrupted.exchange(true)) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> read_file(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return user_error("cannot read {}: {}", path.string(), why());
  std::string content;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return user_error("cannot read {}: {}", path.string(), why());
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
  }
}

Result<void> write_file(const fs::path& path, std::string_view content) {
  const std::string beside = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  const auto fail = [&](const char* what) {
    Error error = machine_error("cannot {} {}: {}", what, path.string(), why());
    ::unlink(beside.c_str());
    return error;
  };
  const Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return fail("create");
  while (!content.empty()) {
    const ssize_t put = ::write(fd.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail("write");
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd.get()) != 0) return fail("sync");
  if (::rename(beside.c_str(), path.c_str()) != 0) return fail("rename to");
  return {};
}

Result<void> make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return machine_error("cannot make the folder {}: {}", path.string(), error.message());
  return {};
}

double monotonic_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string utc_now() {
  const time_t now = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

namespace {

Result<Fd> open_lock(const fs::path& path) {
  if (auto made = make_folders(path.parent_path()); !made) return made.error();
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return machine_error("cannot open the lock {}: {}", path.string(), why());
  return fd;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::attempt(const fs::path& path) {
  auto fd = open_lock(path);
  if (!fd) return fd.error();
  if (::flock(fd->get(), LOCK_EX | LOCK_NB) == 0) return std::optional(FileLock(std::move(*fd)));
  if (errno == EWOULDBLOCK) return std::optional<FileLock>();
  return machine_error("cannot lock {}: {}", path.string(), why());
}

Result<FileLock> FileLock::block(const fs::path& path) {
  auto fd = open_lock(path);
  if (!fd) return fd.error();
  while (::flock(fd->get(), LOCK_EX) != 0) {
    if (errno != EINTR) return machine_error("cannot lock {}: {}", path.string(), why());
    if (interrupted()) return interruption();
  }
  return FileLock(std::move(*fd));
}

Result<TempFolder> TempFolder::make(const fs::path& parent, const std::string& prefix) {
  if (auto made = make_folders(parent); !made) return made.error();
  std::string name = (parent / (prefix + ".XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) return machine_error("cannot make a folder in {}: {}", parent.string(), why());
  return TempFolder(name);
}

Result<TempFolder> TempFolder::make_at(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return machine_error("cannot remove {}: {}", path.string(), error.message());
  if (auto made = make_folders(path); !made) return made.error();
  return TempFolder(path);
}

Result<void> TempFolder::sweep(const fs::path& parent, const std::string& prefix) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    if (!entry.path().filename().string().starts_with(prefix)) continue;
    fs::remove_all(entry.path(), error);
    if (error) return machine_error("cannot remove {}: {}", entry.path().string(), error.message());
  }
  return {};
}

TempFolder& TempFolder::operator=(TempFolder&& other) noexcept {
  if (this != &other) {
    TempFolder gone(std::move(*this));
    path_ = std::move(other.path_);
    other.path_.clear();
  }
  return *this;
}

TempFolder::~TempFolder() {
  std::error_code ignored;  // A folder left behind by a failed clean-up is under the cache's tmp/, which is swept.
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<void> TempFolder::rename_to(const fs::path& target) {
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    return machine_error("cannot rename {} to {}: {}", path_.string(), target.string(), why());
  }
  path_.clear();
  return {};
}

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
    // PR_SET_PDEATHSIG fires when the parent *thread* ends; boots are therefore waited for by the thread that starts
    // them.
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
      // The terminal's Ctrl-C does not reach the child's own group; let the caller decide.
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
  auto folder = TempFolder::make(fs::temp_directory_path(), "nslab-output");
  if (!folder) return folder.error();
  Command redirected = command;
  redirected.output = folder->path() / "output";
  auto process = Process::start(redirected);
  if (!process) return process.error();
  std::optional<int> status;
  while (!(status = process->wait_for(3600))) {
    if (interrupted()) return interruption();
  }
  auto output = read_file(redirected.output);
  if (!output) return output.error();
  return Captured{*status, std::move(*output)};
}

bool interrupted() { return g_interrupted; }

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

Error interruption() { return refusal("interrupted: what was finished is kept; the same command goes on from there"); }

}  // namespace nslab
