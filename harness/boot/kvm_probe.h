// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>

#include "accelerator.h"
#include "result.h"

namespace nslab {

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
/// Ends within a second whatever the device does. Tests run it under other accelerators as well. Exit::machine when
/// QEMU cannot be started.
Result<KvmProbe> probe_kvm(Accelerator accelerator = Accelerator::kvm);

}  // namespace nslab
