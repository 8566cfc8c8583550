// SPDX-License-Identifier: GPL-2.0
#include "shell.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
constexpr int kFetchPort = 0xea;             // as benches/guest/shell.cc has it
constexpr std::size_t kMostInput = 1024;     // bytes on their way to the guest: its UART can take them at once
constexpr int kEndedByPipe = 128 + SIGPIPE;  // as a shell has it
constexpr int kPollMilliseconds = 100;       // milliseconds between looks at the terminal's size and at QEMU

using Size = std::pair<unsigned, unsigned>;  // rows, columns

std::optional<Size> size_of_terminal() {
  winsize size{};
  if (::ioctl(0, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return std::nullopt;
  return Size{size.ws_row, size.ws_col};
}

/// Each key of the user's terminal goes through as it is, for as long as this lives.
class RawTerminal {
 public:
  explicit RawTerminal(bool wanted) : is_terminal_(wanted && ::isatty(0) != 0 && ::tcgetattr(0, &before_) == 0) {
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

/// A running guest's two lines to this program, and the loop that serves them (benches/guest/shell.cc).
class Session {
 public:
  Session(Fd terminal, Fd second, fs::path status, Process qemu, std::optional<Size> size,
          const ShellSettings& settings, int input, bool interactive)
      : terminal_(std::move(terminal)),
        second_(std::move(second)),
        status_(std::move(status)),
        qemu_(std::move(qemu)),
        size_(size),
        settings_(settings),
        input_(input),
        interactive_(interactive) {}

  enum class End {
    of_guest,   ///< QEMU has ended
    by_user,    ///< by the key that leaves
    of_reader,  ///< nobody reads what the guest prints
  };

  Result<End> serve() {
    while (!qemu_.wait_for(0)) {
      if (interrupted()) return interruption();
      if (!is_ready_ && size_of_file(status_) >= kReady.size()) {
        is_ready_ = true;
        if (settings_.at_start) TRY(settings_.at_start(qemu_.pid()));
      }
      if (interactive_) tell_size();
      // What is typed before the guest listens waits here, and so does what it has not passed on yet.
      const bool takes_input = is_ready_ && input_open_ && !on_its_way_;
      pollfd wait[] = {{terminal_.get(), POLLIN, 0},
                       {takes_input ? input_ : -1, POLLIN, 0},
                       {on_its_way_ ? second_.get() : -1, POLLIN, 0}};
      if (::poll(wait, 3, kPollMilliseconds) <= 0) continue;
      if (wait[0].revents != 0 && !TRY(copy_output())) return reader_is_gone_ ? End::of_reader : wait_for_end();
      if (wait[2].revents != 0) take_answer();
      if (wait[1].revents != 0 && (interactive_ ? copy_keys() : copy_input()) == Keys::leave) return End::by_user;
    }
    while (TRY(copy_output())) {
    }
    return reader_is_gone_ ? End::of_reader : End::of_guest;
  }

 private:
  enum class Keys { passed_on, leave };

  /// The guest has closed its terminal: QEMU is about to end.
  End wait_for_end() {
    while (!qemu_.wait_for(1) && !interrupted()) {
    }
    return End::of_guest;
  }

  /// False when the guest's end is closed, or ours is. Exit::machine when the output cannot be written.
  Result<bool> copy_output() {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(terminal_.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    if (write_all(settings_.output, {buffer.data(), static_cast<std::size_t>(got)})) return true;
    if (errno != EPIPE) return machine_error("cannot write what the guest prints: {}", errno_text());
    reader_is_gone_ = true;
    return false;
  }

  /// Of a terminal. What the guest cannot take any more is lost, as on a real line.
  Keys copy_keys() {
    std::array<char, 512> buffer{};
    const ssize_t got = ::read(0, buffer.data(), buffer.size());
    if (got <= 0) {
      input_open_ = false;
      return Keys::passed_on;
    }
    if (std::string_view(buffer.data(), static_cast<std::size_t>(got)).find(kLeaveKey) != std::string_view::npos)
      return Keys::leave;
    [[maybe_unused]] const ssize_t sent =
        ::send(terminal_.get(), buffer.data(), static_cast<std::size_t>(got), MSG_DONTWAIT | MSG_NOSIGNAL);
    return Keys::passed_on;
  }

  /// Of a file or a pipe: one piece, and then none until the guest has passed it on.
  Keys copy_input() {
    std::string piece(2 + kMostInput, '\0');
    const ssize_t got = ::read(input_, piece.data() + 2, kMostInput);
    const std::size_t length = got < 0 ? 0 : static_cast<std::size_t>(got);
    piece.resize(2 + length);
    piece[0] = static_cast<char>(length & 0xff);
    piece[1] = static_cast<char>(length >> 8);
    input_open_ = length > 0 && write_all(second_.get(), piece);
    if (length == 0) write_all(second_.get(), piece);
    on_its_way_ = input_open_;
    return Keys::passed_on;
  }

  void take_answer() {
    char answer = 0;
    if (::read(second_.get(), &answer, 1) <= 0) input_open_ = false;
    on_its_way_ = false;
  }

  void tell_size() {
    const auto now = size_of_terminal();
    if (!now || now == size_ || !is_ready_) return;
    size_ = now;
    write_all(second_.get(), fmt::format("{} {}\n", now->first, now->second));
  }

  Fd terminal_;
  Fd second_;
  fs::path status_;
  Process qemu_;
  std::optional<Size> size_;
  const ShellSettings& settings_;
  int input_;  ///< where there is no terminal
  bool interactive_;
  bool is_ready_ = false;
  bool input_open_ = true;
  bool on_its_way_ = false;  ///< a piece of input that the guest has not answered
  bool reader_is_gone_ = false;
};

std::vector<std::string> command_line(const ShellSettings& settings, int terminal, int sizes) {
  const AcceleratorDescription& accelerator = describe(settings.accelerator);
  std::vector<std::string> argv = machine_command(settings.accelerator, settings.vcpus);
  // Programs wait for random numbers, which this machine has no other source of. On a busy host the kernel finds its
  // timer too slow, and would panic if it looked.
  const std::string cpu = accelerator.needs_kvm ? accelerator.cpu : accelerator.cpu + ",+rdrand";
  // Where instructions are counted, one is one tick of the TSC. Told so, the kernel has a fine clock and fine timers.
  const std::string clock = accelerator.repeats ? " tsc=reliable tsc_early_khz=1000000" : "";
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
           "-append",  "console=ttyS0 loglevel=1 random.trust_cpu=on no_timer_check panic=-1 reboot=t" + clock}) {
    argv.push_back(word);
  }
  if (!accelerator.needs_kvm) argv.insert(argv.end(), {"-plugin", "file=./guard.so"});
  if (!settings.fetched.empty()) {
    argv.insert(argv.end(), {"-chardev", "file,id=fetched,path=fetched", "-device",
                             fmt::format("isa-debugcon,iobase={},chardev=fetched", kFetchPort)});
  }
  return argv;
}

}  // namespace

Result<Image> make_shell_image(const Paths& paths, std::map<std::string, fs::path> more) {
  const fs::path init = paths.guest / "shell-init";
  if (!is_there(init)) return machine_error("{} is missing: build nslab first (make build)", init.string());
  more["/init"] = init;
  return make_image(paths, more);
}

Result<std::optional<int>> run_shell(const ShellSettings& settings, const fs::path& folder) {
  const bool takes_input = settings.output == 1;
  const RawTerminal raw(takes_input);
  const Fd nothing(takes_input ? -1 : ::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto size = size_of_terminal();
  Json plan;
  plan["depth"] = settings.depth;
  plan["command"] = settings.command;
  plan["vcpus"] = settings.vcpus;
  plan["environment"] = settings.environment;
  plan["rows"] = size.value_or(Size{24, 80}).first;
  plan["columns"] = size.value_or(Size{24, 80}).second;
  plan["request"] = settings.request;
  plan["disturbed"] = settings.disturbed;
  plan["fetched"] = settings.fetched;
  plan["interactive"] = raw.is_terminal();
  TRY(place_for_qemu(settings.vmlinux, folder / "vmlinux"));
  TRY(place_for_qemu(settings.initramfs, folder / "initramfs"));
  if (!describe(settings.accelerator).needs_kvm)
    TRY(place_for_qemu(settings.plugins / "guard.so", folder / "guard.so"));
  TRY(write_file(folder / "plan.json", to_text(plan)));
  for (const char* name : {"status", "fetched"}) TRY(write_file(folder / name, ""));
  if (::geteuid() == 0) {
    ::chmod(folder.c_str(), 0755);
    ::chmod((folder / "plan.json").c_str(), 0644);
    for (const char* name : {"status", "fetched"}) {
      [[maybe_unused]] const int changed = ::chown((folder / name).c_str(), kNobody, kNobody);
    }
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
  Session session(std::move(terminal), std::move(sizes), folder / "status", std::move(*qemu), size, settings,
                  takes_input ? 0 : nothing.get(), raw.is_terminal());
  switch (TRY(session.serve())) {
    case Session::End::by_user:
      return std::optional<int>();
    case Session::End::of_reader:
      return std::optional(kEndedByPipe);
    case Session::End::of_guest:
      break;
  }

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
