// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

#include "meter.h"
#include "result.h"

namespace nslab {

/// What executes the guest's instructions.
enum class Accelerator {
  icount,  ///< TCG that counts: one instruction is one guest nanosecond
  tcg,     ///< TCG on the host's clock: an emulator's time, where there is no KVM
  kvm,     ///< the host's CPU
};

/// All that the lab knows of an accelerator. A new one is a value above and an entry in accelerator.cc.
struct AcceleratorDescription {
  Accelerator accelerator;
  std::string name;    ///< as a run's manifest stores it; samples of different names are never compared
  std::string option;  ///< the word of --accel; accelerators of different meters may share it
  Meter meter;         ///< the meter that it serves
  bool needs_kvm;      ///< whether probe_kvm() must find real KVM
  std::vector<std::string> qemu_arguments;
  bool repeats;              ///< whether a boot repeats to the digit
  std::string cpu;           ///< QEMU's CPU model
  std::string kernel_words;  ///< added to the guest kernel's command line
};

const AcceleratorDescription& describe(Accelerator accelerator);

/// The accelerator for a meter, and the user's wish where there is one: a word of --accel, or empty for the meter's
/// default. Exit::user when they exclude each other; Exit::machine when KVM is needed and is absent or emulated. Never
/// falls back silently.
Result<Accelerator> choose_accelerator(Meter meter, const std::string& wish);

}  // namespace nslab
