// SPDX-License-Identifier: GPL-2.0
#include "meter.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace nslab {

namespace {

constexpr MeterProperties kMeters[] = {
    {
        .meter = Meter::instructions,
        .name = "instructions",
        .unit = "instructions",
        .decimals = 2,
        .switches_disturb = false,
        .depends_on_host = false,
        .more = "costs more",  // not slower: fewer instructions need not be less time
        .less = "costs less",
        .kind = "instructions executed, not time",
        .note = "The instructions meter counts what one vCPU executes under QEMU's TCG. It does not see caches, TLBs, "
                "branch prediction, stalls or other CPUs: fewer instructions need not be less time.",
        .method =
            "Each kernel is booted in QEMU (TCG with -icount), where each instruction advances the clock by one "
            "nanosecond. With the same kernel, initramfs, QEMU and seed, a boot gives the same counts to the digit.",
        .unrepresentative_accelerator = "",
        .unrepresentative = "",
    },
    {
        .meter = Meter::time,
        .name = "time",
        .unit = "ns",
        .decimals = 1,  // a CPU's cycle takes some 0.3 ns
        .switches_disturb = true,
        .depends_on_host = true,
        .more = "slower",
        .less = "faster",
        .kind = "time",
        .note = "The time meter reads the host's clock. Its figures hold for this host, its caches and its load.",
        .method = "Each kernel is booted in QEMU, under the accelerator that the head of this page names, and timed by "
                  "the host's clock.",
        .unrepresentative_accelerator = "tcg",
        .unrepresentative = "TCG wall time: not representative",
    },
};

}  // namespace

const MeterProperties& properties_of(Meter meter) {
  return *std::find_if(std::begin(kMeters), std::end(kMeters), [&](const auto& m) { return m.meter == meter; });
}

std::span<const MeterProperties> all_meters() { return kMeters; }

const char* name_of(Meter meter) { return properties_of(meter).name; }
const char* unit_of(Meter meter) { return properties_of(meter).unit; }

std::optional<Meter> meter_from(std::string_view name) {
  for (const MeterProperties& meter : kMeters) {
    if (meter.name == name) return meter.meter;
  }
  return std::nullopt;
}

Result<Meter> meter_of_run(std::int64_t run, std::string_view name, std::string_view unit) {
  const auto meter = meter_from(name);
  if (meter && unit == unit_of(*meter)) return *meter;
  std::vector<std::string> known;
  for (const MeterProperties& m : kMeters) known.push_back(fmt::format("{} ({})", m.name, m.unit));
  return user_error("run {} says meter '{}' with unit '{}': nslab knows {}. Was the store written by another version?",
                    run, name, unit, fmt::join(known, " and "));
}

}  // namespace nslab
