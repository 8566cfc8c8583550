// SPDX-License-Identifier: GPL-2.0
#include "shell.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "files.h"
#include "guest_process.h"
#include "json.h"
#include "printable.h"
#include "processes.h"
#include "qemu.h"
#include "signals.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kReady = "ready\n";
constexpr char kEndOfFile = 0x04;       // Ctrl-D
constexpr int kPollMilliseconds = 100;  // milliseconds between looks at the terminal's size and at QEMU

using Size = std::pair<unsigned, unsigned>;  // rows, columns

std::optional<Size> size_of_terminal() {
  winsize size{};
  if (::ioctl(0, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return std::nullopt;
  return Size{size.ws_row, size.ws_col};
}

/// Each key of the user's terminal goes through as it is, for as long as this lives.
class RawTerminal {
 public:
  RawTerminal() : is_terminal_(::isatty(0) != 0 && ::tcgetattr(0, &before_) == 0) {
    if (!is_terminal_) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    ::tcsetattr(0, TCSANOW, &raw);
  }
  ~RawTerminal() {
    if (is_terminal_) ::tcsetattr(0, TCSAFLUSH, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  bool is_terminal() const { return is_terminal_; }

 private:
  termios before_{};
  bool is_terminal_;
};

Result<std::pair<Fd, Fd>> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return machine_error("cannot make a socket: {}", errno_text());
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

/// All bytes, or none any more where the other end is gone.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A running guest's two lines to this program, and the loop that serves them.
class Session {
 public:
  Session(Fd terminal, Fd sizes, fs::path status, Process qemu, std::optional<Size> size, int output)
      : terminal_(std::move(terminal)),
        sizes_(std::move(sizes)),
        status_(std::move(status)),
        qemu_(std::move(qemu)),
        size_(size),
        output_(output) {}

  /// Serves until the guest has ended; false when the user left it.
  Result<bool> serve(const RawTerminal& terminal) {
    while (!qemu_.wait_for(0)) {
      if (interrupted()) return interruption();
      if (!is_ready_) is_ready_ = size_of_file(status_) >= kReady.size();
      tell_size();
      // What is typed before the guest listens waits here.
      pollfd wait[] = {{terminal_.get(), POLLIN, 0}, {is_ready_ && input_open_ ? 0 : -1, POLLIN, 0}};
      if (::poll(wait, 2, kPollMilliseconds) <= 0) continue;
      if (wait[0].revents != 0 && !copy_output()) return true;
      if (wait[1].revents != 0 && !copy_input(terminal.is_terminal())) return false;
    }
    while (copy_output()) {
    }
    return true;
  }

 private:
  /// False when the guest's end is closed.
  bool copy_output() {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(terminal_.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    write_all(output_, {buffer.data(), static_cast<std::size_t>(got)});
    return true;
  }

  /// False when the user leaves.
  bool copy_input(bool is_terminal) {
    std::array<char, 512> buffer{};
    const ssize_t got = ::read(0, buffer.data(), buffer.size());
    if (got <= 0) {
      input_open_ = false;
      // Twice, as the first only ends a line that has no newline.
      return write_all(terminal_.get(), std::string(2, kEndOfFile));
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (is_terminal && bytes.find(kLeaveKey) != std::string_view::npos) return false;
    return write_all(terminal_.get(), bytes);
  }

  void tell_size() {
    const auto now = size_of_terminal();
    if (!now || now == size_ || !is_ready_) return;
    size_ = now;
    write_all(sizes_.get(), fmt::format("{} {}\n", now->first, now->second));
  }

  Fd terminal_;
  Fd sizes_;
  fs::path status_;
  Process qemu_;
  std::optional<Size> size_;
  int output_;
  bool is_ready_ = false;
  bool input_open_ = true;
};

std::vector<std::string> command_line(const ShellSettings& settings, int terminal, int sizes) {
  const AcceleratorDescription& accelerator = describe(settings.accelerator);
  std::vector<std::string> argv = machine_command(settings.accelerator, settings.vcpus);
  // Programs wait for random numbers, which this machine has no other source of. On a busy host the kernel finds its
  // timer too slow, and would panic if it looked.
  const std::string cpu = accelerator.needs_kvm ? accelerator.cpu : accelerator.cpu + ",+rdrand";
  for (const std::string& word : std::vector<std::string>{
           "-cpu",     cpu,
           "-m",       std::to_string(settings.memory_mib),
           "-rtc",     "base=utc",
           "-chardev", fmt::format("socket,id=terminal,fd={}", terminal),
           "-serial",  "chardev:terminal",
           "-chardev", fmt::format("socket,id=sizes,fd={}", sizes),
           "-device",  "isa-serial,chardev=sizes",
           "-chardev", "file,id=status,path=status",
           "-device",  "isa-debugcon,iobase=0xe9,chardev=status",
           "-fw_cfg",  "name=opt/nslab/plan,file=plan.json",
           "-kernel",  "vmlinux",
           "-initrd",  "initramfs",
           "-append",  "console=ttyS0 loglevel=1 random.trust_cpu=on no_timer_check panic=-1 reboot=t"}) {
    argv.push_back(word);
  }
  return argv;
}

}  // namespace

Result<std::optional<int>> run_shell(const ShellSettings& settings, const fs::path& folder) {
  const RawTerminal raw;
  const auto size = size_of_terminal();
  Json plan;
  plan["depth"] = settings.depth;
  plan["command"] = settings.command;
  plan["environment"] = settings.environment;
  plan["rows"] = size.value_or(Size{24, 80}).first;
  plan["columns"] = size.value_or(Size{24, 80}).second;
  plan["request"] = settings.request;
  plan["cooked"] = raw.is_terminal() && settings.output == 1;
  TRY(place_for_qemu(settings.vmlinux, folder / "vmlinux"));
  TRY(place_for_qemu(settings.initramfs, folder / "initramfs"));
  TRY(write_file(folder / "plan.json", to_text(plan)));
  TRY(write_file(folder / "status", ""));
  if (::geteuid() == 0) {
    ::chmod(folder.c_str(), 0755);
    ::chmod((folder / "plan.json").c_str(), 0644);
    [[maybe_unused]] const int changed = ::chown((folder / "status").c_str(), kNobody, kNobody);
  }
  auto [terminal, guests_terminal] = TRY(socket_pair());
  auto [sizes, guests_sizes] = TRY(socket_pair());
  const fs::path log = folder / "qemu.log";
  Command command{.argv = command_line(settings, guests_terminal.get(), guests_sizes.get()),
                  .folder = folder,
                  .output = log,
                  .inherited_fds = {guests_terminal.get(), guests_sizes.get()}};
  command.as_nobody = true;
  if (describe(settings.accelerator).needs_kvm) command.group = group_of_kvm();
  auto qemu = Process::start(command);
  if (!qemu) return cannot_start_qemu(qemu.error());
  guests_terminal.reset();
  guests_sizes.reset();
  Session session(std::move(terminal), std::move(sizes), folder / "status", std::move(*qemu), size, settings.output);
  if (!TRY(session.serve(raw))) return std::optional<int>();

  std::string status = TRY(read_file(folder / "status"));
  if (status.starts_with(kReady)) status.erase(0, kReady.size());
  int code = 0;
  const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), code);
  if (error == std::errc() && end == status.data() + status.size()) return std::optional(code);
  if (!status.empty()) return negative_result("{}: {}", settings.kernel, printable(status));
  const std::string words = printable(read_file(log).value_or(""));
  return negative_result("{}: the guest ended without the command's exit status{}{}", settings.kernel,
                         words.empty() ? "" : ": ", words);
}

}  // namespace nslab
