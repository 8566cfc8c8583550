// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>

#include "accelerator.h"
#include "result.h"

namespace nslab {

/// What /dev/kvm is worth.
struct KvmProbe {
  enum class Kind {
    real,       ///< runs guests at the CPU's speed
    emulated,   ///< opens, but executes so slowly that it must be emulating: no measurement, no boot in useful time
    forbidden,  ///< there is a device, and no right to open it
    blocked,    ///< it opens, and QEMU cannot make a guest with it: another hypervisor has the CPU, or a filter refuses
    absent,     ///< no device
  };
  Kind kind = Kind::absent;
  double cycles_per_turn = 0;  ///< TSC cycles that one turn of a two-instruction loop took; 0 when it did not end
  std::string explanation;     ///< what was found, and what to do about it

  bool is_real() const { return kind == Kind::real; }
};

/// "real", "no permission" and so on.
const char* name_of(KvmProbe::Kind kind);

/// Where the probe looks; tests have a device and a /proc and a /sys of their own.
struct KvmPlaces {
  std::filesystem::path device = "/dev/kvm";
  std::filesystem::path root = "/";
};

/// Runs a firmware of this lab's own (16-bit, 100,000 turns of a loop between two RDTSC) and judges by its cycle count.
/// Ends within a second whatever the device does. Tests run it under other accelerators as well. Exit::machine when
/// QEMU cannot be started.
Result<KvmProbe> probe_kvm(Accelerator accelerator = Accelerator::kvm, const KvmPlaces& places = {});

/// What it means that QEMU could not run a guest under KVM and said this.
KvmProbe explain_failure(const std::string& qemus_words);

}  // namespace nslab
