// SPDX-License-Identifier: GPL-2.0
#include "guest_process.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "clock.h"
#include "files.h"
#include "printable.h"
#include "signals.h"
#include "splats.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// An honest boot writes some 100 KiB. A guest that writes more than this is in an endless loop, and would fill the
// disk.
constexpr std::uintmax_t kMostOutputBytes = 4 << 20;
constexpr std::uintmax_t kMostCountsBytes = 256 << 20;  // a cell has some 50 KiB
constexpr double kLookEvery = 0.25;                     // seconds between looks at the output's size
constexpr std::size_t kConsoleLines = 12;
constexpr std::size_t kMostLogBytes = 4096;

/// Of a flooded console we read the end, as that is where the reason stands.
std::string console_of(const fs::path& file) {
  const auto text = read_file(file);
  if (!text) return "";
  constexpr std::size_t kMost = 1 << 20;
  return printable(text->size() > kMost ? text->substr(text->size() - kMost) : *text);
}

std::string tail(const std::string& console) {
  if (console.empty()) return "the console is empty";
  std::string text = "the console's last lines:";
  for (const std::string& line : last_lines(console, kConsoleLines)) text += "\n  " + line;
  return text;
}

/// What the attribution plugin itself complained of, first; empty: of nothing.
std::string complaint_in(const std::string& log) {
  constexpr std::string_view kPrefix = "attribution plugin: ";
  for (const std::string& line : lines_of(log)) {
    if (line.starts_with(kPrefix)) return line.substr(kPrefix.size());
  }
  return "";
}

BootFiles in(const fs::path& folder) {
  return {folder / "vmlinux", folder / "initramfs", folder / "plan.json", folder / "frames.bin",
          folder / "console.log"};
}

BootFiles in(const fs::path& folder, const BootSettings& settings) {
  BootFiles files = in(folder);
  files.kernel = folder / settings.kernel.filename();
  if (!describe(settings.accelerator).needs_kvm) files.guard = folder / "guard.so";
  if (settings.symbols == nullptr) return files;
  files.plugin = folder / "attribution.so";
  files.symbols = folder / "symbols";
  files.counts = folder / "counts";
  files.memory_accesses = settings.memory_accesses;
  return files;
}

/// Puts into the folder what QEMU reads. As nobody it may write two files there and change nothing else: root reads
/// them afterwards, and they must not have become links to something else.
Result<void> prepare_folder(const BootFiles& files, const BootSettings& settings, const BootPlan& plan) {
  TRY(place_for_qemu(settings.kernel, files.kernel));
  TRY(place_for_qemu(settings.initramfs, files.initramfs));
  TRY(write_file(files.plan, plan.to_json()));
  TRY(write_file(files.frames, ""));
  TRY(write_file(files.console, ""));
  std::vector<fs::path> outputs = {files.frames, files.console};
  if (!files.guard.empty()) TRY(place_for_qemu(settings.plugins / files.guard.filename(), files.guard));
  if (!files.plugin.empty()) {
    TRY(place_for_qemu(settings.plugins / files.plugin.filename(), files.plugin));
    std::uint64_t repetitions = 0;
    for (const PlannedCell& cell : plan.cells) repetitions += cell.iterations;
    TRY(write_file(files.symbols, settings.symbols->file(repetitions)));
    TRY(write_file(files.counts, ""));
    outputs.push_back(files.counts);
  }
  if (::geteuid() != 0) return {};
  ::chmod(settings.folder.c_str(), 0755);
  ::chmod(files.plan.c_str(), 0644);
  if (!files.plugin.empty()) ::chmod(files.symbols.c_str(), 0644);
  for (const fs::path& file : outputs) {
    // It fails where there is no such user; QEMU then stays root, which may write.
    [[maybe_unused]] const int changed = ::chown(file.c_str(), kNobody, kNobody);
  }
  return {};
}

}  // namespace

Result<void> place_for_qemu(const fs::path& file, const fs::path& name) {
  std::error_code error;
  if (is_there(name) && fs::equivalent(file, name, error)) return {};  // for the guest before
  struct stat status {};
  const bool for_all = ::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
  if (for_all) fs::create_hard_link(file, name, error);
  if (for_all && !error) return {};
  fs::copy_file(file, name, fs::copy_options::overwrite_existing, error);
  if (error) return machine_error("cannot put {} into {}: {}", file.string(), name.string(), error.message());
  ::chmod(name.c_str(), 0644);
  return {};
}

int group_of_kvm() {
  struct stat status {};
  return ::stat("/dev/kvm", &status) == 0 ? static_cast<int>(status.st_gid) : -1;
}

GuestProcess::GuestProcess(std::string name, BootFiles files, std::vector<std::string> command, double wall_limit,
                           fs::path log, std::unique_ptr<OomWatch> oom, Process qemu)
    : name_(std::move(name)),
      files_(std::move(files)),
      command_(std::move(command)),
      wall_limit_(wall_limit),
      start_(monotonic_seconds()),
      log_(std::move(log)),
      oom_killer_(std::move(oom)),
      qemu_(std::move(qemu)) {}

Result<GuestProcess> GuestProcess::start(const BootPlan& plan, const BootSettings& settings,
                                         const std::vector<std::string>& more, const std::vector<int>& inherited) {
  const BootFiles files = in(settings.folder, settings);
  TRY(prepare_folder(files, settings, plan));
  // QEMU starts in the folder: no path of the user's is on its command line, with whatever letters.
  auto argv = boot_command(in("", settings), plan.seed, settings.memory_mib, settings.accelerator, settings.vcpus,
                           settings.memory, settings.place == nullptr ? std::nullopt : settings.place->node);
  argv.insert(argv.end(), more.begin(), more.end());
  const fs::path log = settings.folder / "qemu.log";
  Command command{.argv = argv, .folder = settings.folder, .output = log, .inherited_fds = inherited};
  command.as_nobody = settings.preload.empty();  // a test's library may lie where nobody may look
  if (describe(settings.accelerator).needs_kvm) command.group = group_of_kvm();
  if (!settings.preload.empty()) command.environment["LD_PRELOAD"] = settings.preload;
  auto oom_killer = std::make_unique<OomWatch>();
  auto qemu = Process::start(command);
  if (!qemu) return cannot_start_qemu(qemu.error());
  const std::string name = plan.seed == 0 ? plan.kernel : fmt::format("{}, seed {}", plan.kernel, plan.seed);
  return GuestProcess(name, files, std::move(argv), settings.wall_limit_seconds, log, std::move(oom_killer),
                      std::move(*qemu));
}

double GuestProcess::seconds() const { return monotonic_seconds() - start_; }

Error GuestProcess::failure(const std::string& what) const {
  return negative_result("{}: {}\n{}", name_, what, tail(console_of(files_.console)));
}

Result<std::optional<int>> GuestProcess::wait_for(double seconds) {
  const double end = monotonic_seconds() + seconds;
  for (;;) {
    const double left = std::min(wall_limit_ - this->seconds(), end - monotonic_seconds());
    if (const auto status = qemu_.wait_for(std::clamp(left, 0.0, kLookEvery))) return status;
    if (interrupted()) return interruption();
    if (this->seconds() >= wall_limit_) {
      return failure(fmt::format(
          "the boot hung: no end within its wall limit of {} s. If its cells only have much to do, a larger "
          "wall_limit_seconds lets them end",
          wall_limit_));
    }
    if (size_of_file(files_.frames) > kMostOutputBytes || size_of_file(files_.console) > kMostOutputBytes) {
      return failure(fmt::format("the guest floods its output: more than {} MiB", kMostOutputBytes >> 20));
    }
    if (!files_.counts.empty() && size_of_file(files_.counts) > kMostCountsBytes) {
      return failure(fmt::format("the attribution plugin writes more than {} MiB", kMostCountsBytes >> 20));
    }
    if (monotonic_seconds() >= end) return std::optional<int>();
  }
}

Result<int> GuestProcess::exit_code(int status) const {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    if (const auto evidence = oom_killer_->evidence()) {
      return machine_error("{}: QEMU was killed. {}: give --jobs a smaller number, or lower memory_mib", name_,
                           *evidence);
    }
  }
  const auto last_words = [&] {
    const auto log = read_file(log_);
    return log ? without_last_newlines(printable(end_of(*log, kMostLogBytes))) : std::string();
  };
  const std::string who_is_to_blame =
      files_.plugin.empty() ? "" : ". The same boot without attribution shows whether nslab's plugin is to blame";
  if (!WIFEXITED(status)) {
    // Whoever sends SIGKILL is outside.
    const bool from_within = WTERMSIG(status) != SIGKILL;
    const std::string words = last_words();
    return failure(fmt::format("QEMU died: {}{}{}", describe_status(status), from_within ? who_is_to_blame : "",
                               words.empty() ? "" : "\nQEMU's last words: " + words));
  }
  const std::string console = console_of(files_.console);
  if (const auto splat = find_splat(console)) {
    return failure(
        *splat + (shows_impossible_flags(console)
                      ? "\nThe guest's flags are none that a CPU has: this is a flaw of QEMU 7.2, which nslab's guard "
                        "plugin should have mended (docs/faq.md, 'A guest panics'), and not the kernel's"
                      : ""));
  }
  const int code = WEXITSTATUS(status);
  if (code == 0) {
    return failure(
        "the guest hung: the watchdog ended it at a cell's limit of guest time. If the cell only has much to do, fewer "
        "repetitions or a larger limit_seconds let it end");
  }
  if (code != 1) return code;
  const std::string words = last_words();
  // A guest that leaves with 0 looks the same.
  if (words.empty()) return failure("QEMU ended with exit status 1, and did not say why" + who_is_to_blame);
  const bool loaded = words.find("Could not load plugin") == std::string::npos;
  if (const std::string complaint = complaint_in(words); loaded && !complaint.empty()) {
    return failure(fmt::format(
        "the attribution plugin gave up: {}. Mend that and give the same command again, or measure without attribution",
        complaint));
  }
  if (words.find("plugin") != std::string::npos) {
    return machine_error(
        "QEMU does not take a plugin of nslab's: {}\nThe plugins are made for QEMU 7.2 of Debian 12. Install it "
        "(apt-get install qemu-system-x86), build nslab again (make nslab), and give the same command again",
        words);
  }
  // A kernel that QEMU cannot load is that kernel's fault, and the others can be booted.
  if (words.find("kernel") != std::string::npos) return failure("QEMU gave up: " + words);
  return machine_error("{}: QEMU gave up: {}", name_, words);
}

}  // namespace nslab
