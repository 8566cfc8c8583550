// SPDX-License-Identifier: GPL-2.0
#include "boot.h"

#include <sys/wait.h>

#include <algorithm>
#include <optional>

#include "clock.h"
#include "files.h"
#include "printable.h"
#include "processes.h"
#include "resources.h"
#include "signals.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// An honest boot writes some 100 KiB. A guest that writes more than this is in an endless loop, and would fill the
// disk.
constexpr std::uintmax_t kMostOutputBytes = 4 << 20;
constexpr double kLookEvery = 0.25;  // seconds between looks at the output's size
constexpr std::size_t kConsoleLines = 12;

struct Splat {
  const char* text;
  const char* meaning;
};

// What a kernel writes when we can no longer trust it, the gravest first. A boot whose console has any of them fails,
// even if its report is complete.
constexpr Splat kSplats[] = {
    {"Kernel panic - not syncing", "the kernel panicked"},
    {"Oops: ", "the kernel oopsed"},
    {"BUG: ", "the kernel found a bug"},
    {"kernel BUG at", "the kernel found a bug"},
    {"general protection fault", "the kernel faulted"},
    {"WARNING: ", "the kernel warned"},
    {" new suspected memory leaks", "the kernel lost memory"},
    {"rcu: INFO: ", "RCU stalled"},
    {"INFO: task ", "a task hung"},
    {"Out of memory: ", "the guest ran out of memory"},
};

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

std::optional<std::string> find_splat(const std::string& console) {
  const auto lines = lines_of(console);
  for (const Splat& splat : kSplats) {
    for (const std::string& line : lines) {
      if (line.find(splat.text) != std::string::npos) return fmt::format("{}: {}", splat.meaning, line);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Boot> run_boot(const BootPlan& plan, const BootSettings& settings) {
  const BootFiles files{settings.vmlinux, settings.initramfs, settings.folder / "plan.json",
                        settings.folder / "frames.bin", settings.folder / "console.log"};
  const fs::path qemu_log = settings.folder / "qemu.log";
  TRY(write_file(files.plan, plan.to_json()));

  Boot boot;
  boot.command = boot_command(files, plan.seed, settings.memory_mib, settings.accelerator);
  const double start = monotonic_seconds();
  Command command{.argv = boot.command, .output = qemu_log};
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
    return machine_error("{}, seed {}: QEMU gave up: {}", plan.kernel, plan.seed, log ? printable(*log) : "");
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
