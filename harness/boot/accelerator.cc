// SPDX-License-Identifier: GPL-2.0
#include "accelerator.h"

#include <algorithm>

#include "kvm_probe.h"

namespace nslab {

namespace {

// Under TCG the CPU is a named one: it has the same features on every host, hence the kernel takes the same paths.
constexpr const char* kNamedCpu = "qemu64";

/// One entry for each accelerator. The first that serves a meter is that meter's default.
const std::vector<AcceleratorDescription>& table() {
  static const std::vector<AcceleratorDescription> accelerators = {
      {.accelerator = Accelerator::icount,
       .name = "tcg with icount",
       .option = "tcg",
       .meter = Meter::instructions,
       .needs_kvm = false,
       // One vCPU in one thread; a shift of 0 is one nanosecond an instruction; sleep=off skips idle time at once. The
       // guard keeps it from being skipped too early.
       .qemu_arguments = {"-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"},
       .repeats = true,
       .cpu = kNamedCpu,
       // One instruction is one nanosecond and one tick of the TSC: its frequency is known and need not be measured.
       // The kernel would calibrate the local APIC's timer against another clock, by polling for 216 million
       // instructions, which is most of a boot. The PIT ticks instead, and it does so alike for every kernel.
       .kernel_words = "tsc=reliable tsc_early_khz=1000000 no_timer_check nolapic_timer"},
      {.accelerator = Accelerator::kvm,
       .name = "kvm",
       .option = "kvm",
       .meter = Meter::time,
       .needs_kvm = true,
       .qemu_arguments = {"-accel", "kvm"},
       .repeats = false,
       .cpu = "host",  // the host's own CPU is what KVM is for
       .kernel_words = ""},
      {.accelerator = Accelerator::tcg,
       .name = "tcg",
       .option = "tcg",
       .meter = Meter::time,
       .needs_kvm = false,
       .qemu_arguments = {"-accel", "tcg,thread=single"},
       .repeats = false,
       .cpu = kNamedCpu,
       .kernel_words = ""},
  };
  return accelerators;
}

/// "tcg (instructions meter), kvm (time meter), …"
std::string list_of_accelerators() {
  std::string list;
  for (const AcceleratorDescription& entry : table())
    list += fmt::format("{}{} ({} meter)", list.empty() ? "" : ", ", entry.option, name_of(entry.meter));
  return list;
}

}  // namespace

const AcceleratorDescription& describe(Accelerator accelerator) {
  const auto& all = table();
  return *std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.accelerator == accelerator; });
}

Result<Accelerator> choose_accelerator(Meter meter, const std::string& wish) {
  const auto& all = table();
  const auto chosen = std::find_if(all.begin(), all.end(), [&](const auto& entry) {
    return entry.meter == meter && (wish.empty() || entry.option == wish);
  });
  if (chosen == all.end()) {
    return user_error("the {} meter has no accelerator '{}'; there are: {}", name_of(meter), wish,
                      list_of_accelerators());
  }
  if (!chosen->needs_kvm) return chosen->accelerator;
  const auto probe = TRY(probe_kvm());
  if (probe.is_real()) return chosen->accelerator;
  return machine_error(
      "the {} meter needs KVM: {}.\nWithout it: --accel tcg measures an emulator's time, meter = \"instructions\" "
      "needs no KVM",
      name_of(meter), probe.explanation);
}

}  // namespace nslab
