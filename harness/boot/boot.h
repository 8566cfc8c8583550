// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "call_tree.h"
#include "cpus.h"
#include "frames.h"
#include "plan.h"
#include "qemu.h"
#include "result.h"

namespace nslab {

/// A boot that ended as it should.
struct Boot {
  BootReport report;
  std::vector<CallTree> trees;       ///< of each cell that was measured, in the report's order; empty: none asked for
  double wall_seconds = 0;           ///< from QEMU's start to its end
  std::vector<std::string> command;  ///< QEMU's command line
  std::map<std::string, std::uint64_t> host = {};  ///< HostWatch::numbers(), where the guest had a place
};

struct BootSettings {
  std::filesystem::path kernel;  ///< a vmlinux; or a bzImage, which chooses its addresses at random (KASLR)
  std::filesystem::path initramfs;
  Accelerator accelerator = Accelerator::icount;
  int memory_mib = 512;
  int vcpus = 1;  ///< more are for the time meter, and for tests of what races
  GuestMemory memory = GuestMemory::on_demand;
  const CpuPlace* place = nullptr;  ///< where the guest's threads are kept, and watched; none: where the kernel likes
  bool fifo = false;                ///< with a place: no ordinary program takes the CPU from a vCPU
  double wall_limit_seconds = 600;
  std::filesystem::path folder;          ///< gets what QEMU reads and writes: vmlinux, plan.json, console.log and so on
  std::string preload = {};              ///< for tests: a library that QEMU loads first; empty: none
  std::filesystem::path plugins = {};    ///< the folder of guard.so and attribution.so
  const SymbolTable* symbols = nullptr;  ///< of vmlinux and initramfs, where functions are counted
  bool memory_accesses = false;          ///< count loads and stores as well
  std::filesystem::path state = {};      ///< of the ready guest (guest_state.h); empty: boot from the start
};

/// Starts one kernel with one plan and waits for its end. Whatever is not a complete boot is an error (Exit::says_no)
/// that names what happened: panic, oops, hang (guest time or wall time), QEMU's death, a broken or incomplete report,
/// a flood; with the console's last lines. Exit::machine when QEMU cannot be started, or when the OOM killer has ended
/// it. With a plugin, the functions' instructions must add up to each sample's sum, to the instruction; where the guest
/// waited within a cell's repetitions, what the meter counted beyond them is given to "[idle]". Several threads may
/// call it at once, each with a folder of its own. QEMU runs confined (docs/durability.md).
Result<Boot> run_boot(const BootPlan& plan, const BootSettings& settings);

}  // namespace nslab
