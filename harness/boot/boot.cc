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
constexpr std::uintmax_t kMostCountsBytes = 256 << 20;  // a cell has some 50 KiB
constexpr double kLookEvery = 0.25;                     // seconds between looks at the output's size
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

BootFiles in(const fs::path& folder, const BootSettings& settings) {
  BootFiles files = in(folder);
  if (settings.plugin.empty()) return files;
  files.plugin = folder / "attribution.so";
  files.symbols = folder / "symbols";
  files.counts = folder / "counts";
  return files;
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
  std::vector<fs::path> outputs = {files.frames, files.console};
  if (!files.plugin.empty()) {
    TRY(place(settings.plugin, files.plugin));
    TRY(write_file(files.symbols, settings.symbols->text));
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

/// The plugin's counts, cell by cell, held against the meter.
Result<std::vector<CallTree>> trees_of(const std::vector<Sample>& samples, const std::string& counts,
                                       const SymbolTable& symbols) {
  auto cells = TRY(read_counts(counts, symbols.functions));
  std::vector<CallTree> trees;
  for (const Sample& sample : samples) {
    if (sample.status != CellStatus::ok) continue;
    if (trees.size() == cells.size()) return negative_result("the attribution plugin counted too few cells");
    CountedCell& cell = cells[trees.size()];
    const std::uint64_t counted = cell.tree.sum();
    const bool waited = cell.idles > 0 && counted < sample.sum;
    if (cell.windows != sample.iterations || (counted != sample.sum && !waited)) {
      return negative_result(
          "the functions of {} at depth {} do not add up to what the meter read: {} instructions in {} repetitions, "
          "the meter read {} in {}. This is a bug of nslab's attribution, or a guest that deceives it",
          sample.benchmark, sample.depth, counted, cell.windows, sample.sum, sample.iterations);
    }
    if (waited) {
      const auto function = static_cast<std::uint32_t>(cell.tree.functions.size());
      cell.tree.functions.push_back({"", "[idle]"});
      cell.tree.nodes.push_back({0, function, sample.sum - counted, cell.idles});
    }
    trees.push_back(std::move(cell.tree));
  }
  if (trees.size() != cells.size()) return negative_result("the attribution plugin counted too many cells");
  return trees;
}

int group_of(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? static_cast<int>(status.st_gid) : -1;
}

}  // namespace

Result<Boot> run_boot(const BootPlan& plan, const BootSettings& settings) {
  const BootFiles files = in(settings.folder, settings);
  const fs::path qemu_log = settings.folder / "qemu.log";
  TRY(prepare_folder(files, settings, plan));

  Boot boot;
  // QEMU starts in the folder: no path of the user's is on its command line, with whatever letters.
  boot.command = boot_command(in("", settings), plan.seed, settings.memory_mib, settings.accelerator);
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
    if (size_of_file(files.counts) > kMostCountsBytes) {
      return fail(fmt::format("the attribution plugin writes more than {} MiB", kMostCountsBytes >> 20));
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
    if (!files.plugin.empty() && words.find("plugin") != std::string::npos) {
      return machine_error("QEMU does not take nslab's attribution plugin, which is made for QEMU 7.2 of Debian 12: {}",
                           words);
    }
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
  if (!files.plugin.empty()) {
    auto trees = trees_of(boot.report.samples, TRY(read_file(files.counts)), *settings.symbols);
    if (!trees) return fail(trees.error().message);
    boot.trees = std::move(*trees);
  }
  return boot;
}

}  // namespace nslab
