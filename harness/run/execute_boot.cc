// SPDX-License-Identifier: GPL-2.0
#include "execute_boot.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

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
  for (const char* name : {"console.log", "frames.bin", "qemu.log", "counts", "symbols"})
    fs::copy_file(from / name, kept / name, ignored);
}

/// "multi-seed7", or under another condition than quiet "multi-host-seed7".
fs::path failed_folder(const fs::path& failed, const BootPlan& plan) {
  const std::string condition = plan.condition == kQuiet ? "" : "-" + name_of(plan.condition);
  // A kernel that is given has a file's name in its own.
  std::string kernel = plan.kernel;
  std::replace(kernel.begin(), kernel.end(), '/', '_');
  return failed / fmt::format("{}{}-seed{}", kernel, condition, plan.seed);
}

/// What the attribution plugin has to know, made once for all boots of a kernel: it takes some 0.2 s.
Result<std::shared_ptr<const SymbolTable>> symbols_of(const Kernel& kernel, const Image& image) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::string>, std::shared_ptr<const SymbolTable>> made;
  const std::lock_guard lock(mutex);
  auto& symbols = made[{kernel.hash, image.hash}];
  if (!symbols) symbols = std::make_shared<SymbolTable>(TRY(make_symbol_table(kernel.vmlinux(), image.file)));
  return symbols;
}

/// The boot's guests one after the other, as one boot.
Result<Boot> run_guests(const BootPlan& plan, const BootSettings& settings) {
  Boot all;
  for (const BootPlan& guest : plan.guests()) {
    auto boot = run_boot(guest, settings);
    if (!boot) {
      if (!plan.isolated || boot.error().exit != Exit::says_no) return boot.error();
      const PlannedCell& cell = guest.cells.front();
      return Error{boot.error().exit,
                   fmt::format("{} at depth {}: {}", cell.benchmark, cell.depth, boot.error().message)};
    }
    all.wall_seconds += boot->wall_seconds;
    std::move(boot->report.samples.begin(), boot->report.samples.end(), std::back_inserter(all.report.samples));
    all.host.merge(boot->host);
    std::move(boot->trees.begin(), boot->trees.end(), std::back_inserter(all.trees));
    all.command = std::move(boot->command);
    all.report.release = std::move(boot->report.release);
    all.report.ready_instructions = boot->report.ready_instructions;
  }
  return all;
}

/// All that the state of the ready guest depends on. The seed is not among it.
std::string state_identity(const Prepared& prepared, const Kernel& kernel) {
  BootFiles files{"VMLINUX", "INITRAMFS", "PLAN", "FRAMES", "CONSOLE"};
  files.guard = "GUARD";
  const auto command = boot_command(files, 0, prepared.experiment.memory_mib, prepared.accelerator);
  return fmt::format("state 2\n{}\n{}\n{}\n{}\n", kernel.hash, prepared.image.hash, prepared.qemu_fingerprint,
                     fmt::join(command, " "));
}

/// Takes a place for a timed guest for as long as this lives.
class PlaceTaken {
 public:
  explicit PlaceTaken(FreePlaces* places) : places_(places) {
    if (places_ != nullptr) place_ = places_->take();
  }
  ~PlaceTaken() {
    if (places_ != nullptr) places_->give_back(place_);
  }
  PlaceTaken(const PlaceTaken&) = delete;
  PlaceTaken& operator=(const PlaceTaken&) = delete;
  const CpuPlace* get() const { return places_ == nullptr ? nullptr : &place_; }

 private:
  FreePlaces* places_;
  CpuPlace place_;
};

/// Adds what the host did meanwhile to what the guest saw.
void add_to_layout(Sample& sample, const std::map<std::string, std::uint64_t>& host) {
  if (host.empty() || sample.layout.empty()) return;
  Json layout = layout_of(sample);
  for (const auto& [name, number] : host) layout[name] = number;
  sample.layout = to_text(nlohmann::json(layout));  // in the order of names, as the guest's
}

}  // namespace

Result<BootRecord> execute_boot(const Prepared& prepared, const BootPlan& plan, const fs::path& cache,
                                const fs::path& failed) {
  const Kernel& kernel = prepared.kernels.at(plan.kernel);
  const ScratchFolder folder = TRY(ScratchFolder::make(cache / "tmp", "boot-folder"));
  std::shared_ptr<const SymbolTable> symbols;
  if (!prepared.attribution_hash.empty()) symbols = TRY(symbols_of(kernel, prepared.image));
  const PlaceTaken place(prepared.places.get());
  const bool timed = properties_of(prepared.experiment.meter).depends_on_host;
  BootSettings settings{.kernel = timed && is_there(kernel.bzimage()) ? kernel.bzimage() : kernel.vmlinux(),
                        .initramfs = prepared.image.file,
                        .accelerator = prepared.accelerator,
                        .memory_mib = prepared.experiment.memory_mib,
                        .vcpus = plan.vcpus,
                        .memory = prepared.memory,
                        .place = place.get(),
                        .fifo = prepared.fifo,
                        .wall_limit_seconds = static_cast<double>(prepared.experiment.wall_limit_seconds),
                        .folder = folder.path(),
                        .preload = prepared.preload,
                        .plugins = prepared.plugins,
                        .symbols = symbols.get(),
                        .memory_accesses = prepared.experiment.memory_accesses};
  // At each boot: another program may exchange files of the cache while a run goes on.
  const auto changed = [](const fs::path& file) {
    return machine_error("{} was changed while the run used it: give the same command again, and it is made anew",
                         file.string());
  };
  if (!TRY(is_intact(kernel))) return changed(kernel.folder);
  if (TRY(sha256_file(prepared.image.file)) != prepared.image.hash) return changed(prepared.image.file);
  BootRecord record;
  record.kernel = plan.kernel;
  record.kernel_hash = kernel.hash;
  record.seed = plan.seed;
  record.condition = name_of(plan.condition);
  record.key = plan.key;
  record.started = utc_now();
  const auto booted = [&]() -> Result<Boot> {
    if (describe(prepared.accelerator).repeats) {
      settings.state = TRY(cached_guest_state(cache, state_identity(prepared, kernel),
                                              fmt::format("{}, seed {}", plan.kernel, plan.seed), settings));
    }
    return run_guests(plan, settings);
  };
  auto boot = booted();
  if (!boot) {
    if (interrupted()) return boot.error();
    const fs::path kept = failed_folder(failed, plan);
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
  for (Sample& sample : record.samples) add_to_layout(sample, boot->host);
  return record;
}

}  // namespace nslab
