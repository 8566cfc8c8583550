// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>

#include "paths.h"
#include "preparation.h"
#include "result.h"
#include "sample.h"

namespace nslab {

/// A prepared run as a folder, from which any machine can execute its boots: all that a boot needs but QEMU. Runs share
/// what they have in common, by hash:
///
///   kernels/HASH/           vmlinux, manifest.json, sizes.json
///   images/HASH             the initramfs
///   programs/HASH/          nslab with the loader and the libraries that it needs, and QEMU's plugins
///   runs/KEY/run.json       the run, and the plan of each boot
///   runs/KEY/boots/BOOT/    what a boot has ended with: a results folder with this boot, or with its failure
///   runs/KEY/failed/        files of failed boots
///   runs/KEY/logs/          what the tasks of a batch system have written
///
/// BOOT is the boot's key. KEY is the start of run_key(). What is in such a folder is copied there or linked (link(2)),
/// and appears whole or not at all.
struct PackedRun {
  std::filesystem::path shelf;               ///< the folder that has all these
  std::filesystem::path name;                ///< of the run below it, as runs/0123456789abcdef
  std::filesystem::path program;             ///< of nslab below it, as programs/HASH
  std::vector<std::filesystem::path> parts;  ///< of this run: folders and files below the shelf, the run's own last

  std::filesystem::path folder() const { return shelf / name; }
  /// Where the boot with this key is, once it has ended.
  std::filesystem::path boot(const std::string& key) const { return folder() / "boots" / key; }
};

/// Packs a run whose kernels are built into `shelf`, under its key and the suffix. What is there and damaged is placed
/// anew.
Result<PackedRun> pack_run(const Prepared& prepared, const RunRecord& run, const std::filesystem::path& shelf,
                           const std::string& suffix = "");

/// The command that executes a packed run's boots with the packed nslab, where the shelf is at that place: it is
/// followed by the arguments of 'nslab work'.
std::vector<std::string> work_command(const PackedRun& packed, const std::filesystem::path& shelf);

/// A packed run as it is on the machine that is to execute its boots. All hashes are taken anew, so that a boot's key
/// is what the plan says only where kernel, guest, QEMU, plugins and plan (and under the time meter the host) are the
/// same.
struct UnpackedRun {
  RunRecord run;
  Prepared prepared;
};

/// What 'nslab work' puts before an error of the machine, and the machine's name with a colon behind it.
inline constexpr const char* kCannotExecute = "boots of this run cannot be executed on ";

/// Exit::user when the folder is no packed run or is damaged; Exit::machine when this machine cannot measure what was
/// planned: no QEMU or another one, too little memory, another host under the time meter.
Result<UnpackedRun> unpack_run(const std::filesystem::path& folder);

/// Executes the boot with this number in the plan, and leaves what it ended with in the run's folder. `cache` is this
/// machine's. A boot that fails is a result; this fails when there is none: Exit::machine, or an interruption.
Result<void> execute_packed(const UnpackedRun& unpacked, std::size_t number, const std::filesystem::path& folder,
                            const std::filesystem::path& cache);

/// What a boot has ended with: its record, or as Exit::says_no why it failed. `folder` is PackedRun::boot() or a copy.
/// Exit::machine when that is damaged, or another boot.
Result<BootRecord> read_packed_boot(const std::filesystem::path& folder, const BootPlan& plan);

}  // namespace nslab
