// SPDX-License-Identifier: GPL-2.0
#include "boot.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "clock.h"
#include "files.h"
#include "printable.h"
#include "processes.h"
#include "resources.h"
#include "signals.h"
#include "splats.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// An honest boot writes some 100 KiB. A guest that writes more than this is in an endless loop, and would fill the
// disk.
constexpr std::uintmax_t kMostOutputBytes = 4 << 20;
constexpr double kLookEvery = 0.25;  // seconds between looks at the output's size
constexpr std::size_t kConsoleLines = 12;

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

BootFiles in(const fs::path& folder) {
  return {folder / "vmlinux", folder / "initramfs", folder / "plan.json", folder / "frames.bin",
          folder / "console.log"};
}

/// By a second name, or as a copy where the folder is on another disk, or where the caller's umask lets nobody read it.
Result<void> place(const fs::path& file, const fs::path& name) {
  std::error_code error;
  struct stat status {};
  const bool for_all = ::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
  if (for_all) fs::create_hard_link(file, name, error);
  if (for_all && !error) return {};
  fs::copy_file(file, name, fs::copy_options::overwrite_existing, error);
  if (error) return machine_error("cannot put {} into {}: {}", file.string(), name.string(), error.message());
  ::chmod(name.c_str(), 0644);
  return {};
}

/// Puts into the folder what QEMU reads. As nobody it may write two files there and change nothing else: root reads
/// them afterwards, and they must not have become links to something else.
Result<void> prepare_folder(const BootFiles& files, const BootSettings& settings, const BootPlan& plan) {
  TRY(place(settings.vmlinux, files.vmlinux));
  TRY(place(settings.initramfs, files.initramfs));
  TRY(write_file(files.plan, plan.to_json()));
  TRY(write_file(files.frames, ""));
  TRY(write_file(files.console, ""));
  if (::geteuid() != 0) return {};
  ::chmod(settings.folder.c_str(), 0755);
  ::chmod(files.plan.c_str(), 0644);
  for (const fs::path& file : {files.frames, files.console}) {
    // It fails where there is no such user; QEMU then stays root, which may write.
    [[maybe_unused]] const int changed = ::chown(file.c_str(), kNobody, kNobody);
  }
  return {};
}

int group_of(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? static_cast<int>(status.st_gid) : -1;
}

}  // namespace

Result<Boot> run_boot(const BootPlan& plan, const BootSettings& settings) {
  const BootFiles files = in(settings.folder);
  const fs::path qemu_log = settings.folder / "qemu.log";
  TRY(prepare_folder(files, settings, plan));

  Boot boot;
  // QEMU starts in the folder: no path of the user's is on its command line, with whatever letters.
  boot.command = boot_command(in(""), plan.seed, settings.memory_mib, settings.accelerator);
  const double start = monotonic_seconds();
  Command command{.argv = boot.command, .folder = settings.folder, .output = qemu_log};
  command.as_nobody = settings.preload.empty();  // a test's library may lie where nobody may look
  if (describe(settings.accelerator).needs_kvm) command.group = group_of("/dev/kvm");
  if (!settings.preload.empty()) command.environment["LD_PRELOAD"] = settings.preload;
  const OomWatch oom_killer;
  auto qemu = Process::start(command);
  if (!qemu) return machine_error("{}: apt-get install qemu-system-x86", qemu.error().message);

  const auto fail = [&](const std::string& what) {
    return negative_result("{}, seed {}: {}\n{}", plan.kernel, plan.seed, what, tail(console_of(files.console)));
  };
  std::optional<int> status;
  while (!status) {
    const double left = settings.wall_limit_seconds - (monotonic_seconds() - start);
    status = qemu->wait_for(std::clamp(left, 0.0, kLookEvery));
    if (status) break;
    if (interrupted()) return interruption();
    if (left <= 0)
      return fail(fmt::format("the boot hung: no end within its wall limit of {} s", settings.wall_limit_seconds));
    if (size_of_file(files.frames) > kMostOutputBytes || size_of_file(files.console) > kMostOutputBytes) {
      return fail(fmt::format("the guest floods its output: more than {} MiB", kMostOutputBytes >> 20));
    }
  }
  boot.wall_seconds = monotonic_seconds() - start;

  if (WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL) {
    if (const auto evidence = oom_killer.evidence()) {
      return machine_error("{}, seed {}: QEMU was killed. {}: give --jobs a smaller number, or lower memory_mib",
                           plan.kernel, plan.seed, *evidence);
    }
  }
  if (!WIFEXITED(*status)) return fail(fmt::format("QEMU died: {}", describe_status(*status)));
  if (const auto splat = find_splat(console_of(files.console))) return fail(*splat);
  const int code = WEXITSTATUS(*status);
  if (code == 0) return fail("the guest hung: the watchdog ended it at a cell's limit of guest time");
  if (code == 1) {
    const auto log = read_file(qemu_log);
    const std::string words = log ? printable(*log) : "";
    // A kernel that QEMU cannot load is that kernel's fault, and the others can be booted.
    if (words.find("kernel") != std::string::npos) return fail("QEMU gave up: " + words);
    return machine_error("{}, seed {}: QEMU gave up: {}", plan.kernel, plan.seed, words);
  }
  const auto frames = TRY(read_file(files.frames));
  auto report = read_report(frames, plan, plan.kernel);
  if (!report) return fail(report.error().message);
  if (code != kCompleteStatus)
    return fail(fmt::format("the guest left with status {}, expected was {}", code, kCompleteStatus));
  boot.report = std::move(*report);
  return boot;
}

}  // namespace nslab
