// SPDX-License-Identifier: GPL-2.0
//
// PID 1 of the guest of 'nslab shell': a terminal and a command at some depth of pid namespaces. It measures nothing.
//
// fw_cfg item opt/nslab/plan, JSON: "depth", "vcpus" (how many there are), "command" (argv), "environment", "request"
// (for a worker that the command starts, as init.cc makes it; empty: none), "disturbed" (whether the worker loses the
// CPU now and then), "fetched" (a file that goes out through a second isa-debugcon at the end; empty: none),
// "interactive" (whether the user sits at a terminal), "rows", "columns".
// The first serial port is the terminal, and gets what the command prints. The second one brings
//
// - to an interactive guest the terminal's size whenever that changes, as a line "ROWS COLUMNS";
// - to any other the command's standard input, byte by byte: a length of two bytes, little endian, and so many bytes,
//   again and again; 0 is the end. Each is answered by one byte once it is passed on: a UART has no other brake.
//
// isa-debugcon gets "ready" before the command starts, and at the end its exit status or a text that says why there is
// none.
#include <fcntl.h>
#include <signal.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "nest.h"
#include "ports.h"
#include "worker_protocol.h"

namespace nslab::guest {
namespace {

constexpr char kTerminal[] = "/dev/ttyS0";
constexpr char kSizes[] = "/dev/ttyS1";
constexpr char kSession[] = "--session";
constexpr char kCommand[] = "--command";
constexpr char kDisturber[] = "disturber";  // as harness/boot/perf.cc knows it

[[noreturn]] void end(const std::string& text) {
  const PortAccess access;
  debugcon_write(text);
  leave(frame::Leave::complete);
}

void mount_at(const char* type, const char* path) {
  mkdir(path, 0755);
  mount(type, path, type, MS_NOSUID, nullptr);  // what this kernel lacks, it lacks
}

void set_size(unsigned rows, unsigned columns) {
  const int terminal = open(kTerminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
  const winsize size = {static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
  ioctl(terminal, TIOCSWINSZ, &size);
  close(terminal);
}

/// Follows the size of the user's terminal, in a process of its own.
void follow_size() {
  if (fork() != 0) return;
  std::FILE* const sizes = std::fopen(kSizes, "re");
  unsigned rows = 0;
  unsigned columns = 0;
  while (sizes != nullptr && std::fscanf(sizes, "%u %u", &rows, &columns) == 2) set_size(rows, columns);
  _exit(0);
}

void make_raw(int terminal) {
  termios settings = {};
  tcgetattr(terminal, &settings);
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL;
  tcsetattr(terminal, TCSANOW, &settings);
}

bool read_all(int from, char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t got = read(from, bytes, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

/// Passes standard input on, in a process of its own. Returns where the command reads it.
int pass_input_on() {
  int ends[2];
  if (pipe(ends) != 0) end("cannot make a pipe");
  const int port = open(kSizes, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (port < 0) end(std::string("cannot open the second serial port: ") + std::strerror(errno));
  make_raw(port);
  if (fork() != 0) {
    close(ends[1]);
    close(port);
    return ends[0];
  }
  close(ends[0]);
  signal(SIGPIPE, SIG_IGN);  // a command need not read all of it
  static char bytes[65536];
  for (unsigned char head[2]; read_all(port, reinterpret_cast<char*>(head), 2);) {
    const std::size_t length = head[0] + 256U * head[1];
    if (length == 0 || !read_all(port, bytes, length)) break;
    for (std::size_t done = 0; done < length;) {
      const ssize_t written = write(ends[1], bytes + done, length - done);
      if (written < 0 && errno != EINTR) break;
      if (written > 0) done += static_cast<std::size_t>(written);
    }
    if (write(port, "+", 1) != 1) break;
  }
  _exit(0);
}

void set_up_terminal(bool interactive) {
  const int terminal = open(kTerminal, O_RDWR | O_NOCTTY);
  if (terminal < 0) end(std::string("cannot open the terminal: ") + std::strerror(errno));
  for (int descriptor = 0; descriptor <= 2; ++descriptor) dup2(terminal, descriptor);
  if (terminal > 2) close(terminal);
  if (!interactive) {
    make_raw(0);
    const int input = pass_input_on();
    dup2(input, 0);
    close(input);
    return;
  }
  termios settings = {};
  tcgetattr(0, &settings);
  settings.c_cflag |= CLOCAL;
  tcsetattr(0, TCSANOW, &settings);
  // The second port's text shall come through as it is.
  const int sizes = open(kSizes, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  tcgetattr(sizes, &settings);
  settings.c_cflag |= CLOCAL;
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(sizes, TCSANOW, &settings);
}

/// The command. With the terminal as its own job control and Ctrl-C work; but when it ends the kernel hangs the
/// terminal up, and what is not sent yet is lost.
int run_command(char** argv, bool owns_terminal) {
  if (owns_terminal) {
    setsid();
    ioctl(1, TIOCSCTTY, 1);
  }
  execvp(argv[0], argv);
  std::fprintf(stderr, "nslab shell: cannot run %s: %s\n", argv[0], std::strerror(errno));
  return errno == ENOENT ? 127 : 126;
}

/// Takes the CPU now and then for a random while, in a process of its own. Who samples the worker at equal intervals
/// would see the same points of it again and again, as one repetition takes as long as another.
void disturb() {
  if (fork() != 0) return;
  prctl(PR_SET_NAME, kDisturber);
  setpriority(PRIO_PROCESS, 0, -20);
  std::minstd_rand random(1);
  std::uniform_int_distribution<long> pause(200'000, 1'400'000);  // ns
  std::uniform_int_distribution<long> spell(0, 100'000);          // ns
  const auto now = [] {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  };
  for (;;) {
    const timespec wait = {0, pause(random)};
    nanosleep(&wait, nullptr);
    for (const long end = now() + spell(random); now() < end;) continue;
  }
}

/// Runs the command with what a worker (worker_protocol.h) finds in its descriptors, and answers what it asks. Its
/// result is of no interest, unless there is none: what it measures is seen by another program.
NestResult run_worker(NestedCommand& command, const std::string& request, bool disturbed) {
  if (disturbed) disturb();  // before there are pipes, which it would hold open
  int to_worker[2];
  int from_worker[2];
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0 || pipe2(to_worker, O_CLOEXEC) != 0 || pipe2(from_worker, O_CLOEXEC) != 0) end("cannot make pipes");
  const std::string line = request + '\n';
  if (write(to_worker[1], line.data(), line.size()) != static_cast<ssize_t>(line.size())) end("cannot ask the worker");
  command.descriptors = {{0, 0},
                         {1, 1},
                         {2, 2},
                         {to_worker[0], kRequestDescriptor},
                         {from_worker[1], kResultDescriptor},
                         {proc, kProcDescriptor}};
  NestedProcess process = start_nested(command);
  close(to_worker[0]);
  close(from_worker[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(from_worker[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
    if (text != kLevel) continue;
    [[maybe_unused]] const ssize_t written = write(to_worker[1], text.data(), text.size());
    text.clear();
  }
  const NestResult result = process.wait();
  const auto answer = nlohmann::json::parse(text, nullptr, false);
  if (answer.is_object() && answer.value("status", "") == "refused") {
    end("the kernel refuses the operation: " + answer.value("errno", ""));
  }
  return result;
}

/// Waits until the host has all that was printed. tcdrain(3) gives up on the UART's last bytes after some guest time,
/// which passes at once where the guest counts its instructions.
void drain() {
  tcdrain(1);
  for (unsigned state = 0; ioctl(1, TIOCSERGETLSR, &state) == 0 && (state & TIOCSER_TEMT) == 0;) usleep(1000);
}

/// Sends a file to the host. Of one that is missing it gets nothing.
void send_file(const std::string& path) {
  constexpr unsigned short kPort = 0xea;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const PortAccess access;
  static char bytes[65536];
  for (ssize_t got; access && (got = read(file, bytes, sizeof bytes)) > 0;) {
    outsb(kPort, bytes, static_cast<std::size_t>(got));
  }
  close(file);
}

[[noreturn]] void run() {
  mount_at("proc", "/proc");
  mount_at("sysfs", "/sys");
  mount_at("devtmpfs", "/dev");
  mount_at("devpts", "/dev/pts");
  mount_at("tmpfs", "/tmp");
  mount_at("tmpfs", "/run");
  mount_at("cgroup2", "/sys/fs/cgroup");
  mount_at("tracefs", "/sys/kernel/tracing");
  const auto text = fw_cfg_read("opt/nslab/plan");
  if (!text) end("there is no plan");
  const auto plan = nlohmann::json::parse(*text, nullptr, false);
  if (plan.is_discarded()) end("the plan is no JSON");
  write_setting("/proc/sys/kernel/hostname", "nslab");
  write_setting("/proc/sys/kernel/perf_event_paranoid", "-1");
  write_setting("/proc/sys/kernel/kptr_restrict", "0");
  constexpr int kSetConsoleLevel = 8;
  klogctl(kSetConsoleLevel, nullptr, 1);  // what the kernel says below a panic is read with dmesg
  if (const int vcpus = plan.value("vcpus", 1); get_nprocs() != vcpus) {
    end("the kernel runs on " + std::to_string(get_nprocs()) + " of the guest's " + std::to_string(vcpus) +
        " vCPUs: it is built without CONFIG_SMP or, as the machine has no ACPI, without CONFIG_X86_MPPARSE");
  }
  const bool interactive = plan.value("interactive", true);
  set_up_terminal(interactive);
  set_size(plan.value("rows", 24U), plan.value("columns", 80U));
  if (interactive) follow_size();

  NestedCommand command;
  command.depth = plan.value("depth", 0);
  command.program = "/init";
  command.arguments = {"/init", interactive ? kSession : kCommand};
  for (const auto& word : plan.at("command")) command.arguments.push_back(word.get<std::string>());
  for (const auto& variable : plan.at("environment")) command.environment.push_back(variable.get<std::string>());
  {
    const PortAccess access;
    debugcon_write("ready\n");
  }
  const std::string request = plan.value("request", "");
  const NestResult result =
      request.empty() ? run_nested(command) : run_worker(command, request, plan.value("disturbed", false));
  if (const std::string fetched = plan.value("fetched", ""); !fetched.empty()) send_file(fetched);
  drain();
  if (result.kind == NestResult::Kind::ended) end(std::to_string(result.status));
  if (result.kind == NestResult::Kind::refused) {
    end("the kernel refuses a pid namespace at level " + std::to_string(result.level) + ": " +
        std::strerror(result.error));
  }
  end("cannot " + result.step + " at level " + std::to_string(result.level) + ": " + std::strerror(result.error));
}

}  // namespace
}  // namespace nslab::guest

int main(int argc, char** argv) {
  if (argc > 2) {
    return nslab::guest::run_command(argv + 2, std::strcmp(argv[1], nslab::guest::kSession) == 0);
  }
  nslab::guest::run();
}
