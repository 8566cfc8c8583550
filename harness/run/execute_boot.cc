// SPDX-License-Identifier: GPL-2.0
#include "execute_boot.h"

#include "boot.h"
#include "clock.h"
#include "files.h"
#include "guest_state.h"
#include "hash.h"
#include "json.h"
#include "scratch_folder.h"
#include "signals.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// Copies what a failed boot left to where the user finds it: of the boot itself or, where it never came to that, of
/// the guest on its way to being ready.
void keep_failed(const BootPlan& plan, const fs::path& work, const fs::path& kept) {
  std::error_code ignored;  // the user must hear of the boot's own error, not of this one
  fs::remove_all(kept, ignored);
  fs::create_directories(kept, ignored);
  [[maybe_unused]] const auto written = write_file(kept / "plan.json", plan.to_json());
  const fs::path from = is_there(work / "qemu.log") ? work : work / "ready";
  for (const char* name : {"console.log", "frames.bin", "qemu.log"}) fs::copy_file(from / name, kept / name, ignored);
}

/// All that the state of the ready guest depends on. The seed is not among it.
std::string state_identity(const Prepared& prepared, const Kernel& kernel) {
  BootFiles files{"VMLINUX", "INITRAMFS", "PLAN", "FRAMES", "CONSOLE"};
  files.guard = "GUARD";
  const auto command = boot_command(files, 0, prepared.experiment.memory_mib, prepared.accelerator);
  return fmt::format("state 1\n{}\n{}\n{}\n{}\n", kernel.hash, prepared.image.hash, prepared.qemu_fingerprint,
                     fmt::join(command, " "));
}

}  // namespace

Result<BootRecord> execute_boot(const Prepared& prepared, const BootPlan& plan, const fs::path& cache,
                                const fs::path& failed) {
  const Kernel& kernel = prepared.kernels.at(plan.kernel);
  const ScratchFolder folder = TRY(ScratchFolder::make(cache / "tmp", "boot-folder"));
  SymbolTable symbols;
  const bool attribution = !prepared.attribution_hash.empty();
  if (attribution) symbols = TRY(make_symbol_table(kernel.vmlinux(), prepared.image.file));
  BootSettings settings{.vmlinux = kernel.vmlinux(),
                        .initramfs = prepared.image.file,
                        .accelerator = prepared.accelerator,
                        .memory_mib = prepared.experiment.memory_mib,
                        .wall_limit_seconds = static_cast<double>(prepared.experiment.wall_limit_seconds),
                        .folder = folder.path(),
                        .preload = prepared.preload,
                        .plugins = prepared.plugins,
                        .symbols = attribution ? &symbols : nullptr};
  // At each boot: another program may exchange files of the cache while a run goes on.
  const auto changed = [](const fs::path& file) {
    return machine_error("{} was changed while the run used it: give the same command again, and it is made anew",
                         file.string());
  };
  if (!TRY(is_intact(kernel))) return changed(kernel.vmlinux());
  if (TRY(sha256_file(prepared.image.file)) != prepared.image.hash) return changed(prepared.image.file);
  BootRecord record;
  record.kernel = plan.kernel;
  record.kernel_hash = kernel.hash;
  record.seed = plan.seed;
  record.key = plan.key;
  record.started = utc_now();
  const auto booted = [&]() -> Result<Boot> {
    if (describe(prepared.accelerator).repeats) {
      settings.state = TRY(cached_guest_state(cache, state_identity(prepared, kernel),
                                              fmt::format("{}, seed {}", plan.kernel, plan.seed), settings));
    }
    return run_boot(plan, settings);
  };
  auto boot = booted();
  if (!boot) {
    if (interrupted()) return boot.error();
    const fs::path kept = failed / fmt::format("{}-seed{}", plan.kernel, plan.seed);
    keep_failed(plan, folder.path(), kept);
    return Error{boot.error().exit, fmt::format("{}\nthe boot's files are in {}", boot.error().message, kept.string())};
  }
  record.finished = utc_now();
  record.wall_seconds = boot->wall_seconds;
  Json manifest;
  manifest["release"] = boot->report.release;
  manifest["ready_instructions"] = boot->report.ready_instructions;
  manifest["command"] = boot->command;
  record.manifest = to_text(manifest);
  std::size_t tree = 0;
  for (const Sample& sample : boot->report.samples) {
    if (tree == boot->trees.size()) break;
    if (sample.status != CellStatus::ok) continue;
    record.trees[{sample.depth, sample.benchmark}] = TRY(pack(boot->trees[tree++]));
  }
  record.samples = std::move(boot->report.samples);
  return record;
}

}  // namespace nslab
