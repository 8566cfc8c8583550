// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "frame.h"
#include "plan.h"
#include "result.h"

namespace nslab {

/// What executes the guest's instructions.
enum class Accelerator {
  icount,  ///< TCG that counts: one instruction is one guest nanosecond; the instructions meter
  tcg,     ///< TCG on the host's clock: the time meter where there is no KVM
  kvm,     ///< the host's CPU
};

const char* name_of(Accelerator accelerator);

/// The files of one boot.
struct BootFiles {
  std::filesystem::path vmlinux;
  std::filesystem::path initramfs;
  std::filesystem::path plan;     ///< JSON for the guest, in
  std::filesystem::path frames;   ///< debug console, out
  std::filesystem::path console;  ///< serial port, out
};

/// QEMU's exit status when the guest's init left after a closing frame.
constexpr int kCompleteStatus = frame::qemu_status(frame::Leave::complete);

/// The command line that boots a plan. Why each flag is there stands beside it.
std::vector<std::string> boot_command(const BootFiles& files, std::uint64_t seed, int memory_mib,
                                      Accelerator accelerator);

/// First line of `qemu-system-x86_64 --version`; Exit::machine with the package's name when there is none.
Result<std::string> qemu_version();

/// What /dev/kvm is worth.
struct KvmProbe {
  enum class Kind {
    real,      ///< runs guests at the CPU's speed
    emulated,  ///< opens, but executes so slowly that it must be emulating: no measurement, no boot in useful time
    absent,    ///< no device, no right to open it, or QEMU cannot use it
  };
  Kind kind = Kind::absent;
  double cycles_per_turn = 0;  ///< TSC cycles that one turn of a two-instruction loop took; 0 when it did not end
  std::string explanation;     ///< what was found, and what to do about it
};

/// Runs a firmware of this lab's own (16-bit, 100,000 turns of a loop between two RDTSC) and judges by its cycle count.
/// Ends within a second whatever the device does. `accelerator` other than kvm is for tests.
Result<KvmProbe> probe_kvm(Accelerator accelerator = Accelerator::kvm);

}  // namespace nslab
