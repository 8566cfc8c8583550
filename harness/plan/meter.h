// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "result.h"

namespace nslab {

/// What is read off (docs/experiments.md, "meter").
enum class Meter { instructions, time };

/// All that sets one meter apart from another. To add a meter is to add a value above and an entry in meter.cc, beside
/// what counts in the guest and the choice of the accelerator.
struct MeterProperties {
  Meter meter;
  const char* name;  ///< in experiments, in stores and in what the guest is told
  const char* unit;  ///< of one figure, in stores and reports
  int decimals;      ///< the most that a figure is shown with: what lies beyond them is noise

  /// Whether an involuntary context switch disturbs a figure, so that it is a warning. Otherwise it is a fact: what
  /// ran then is the kernel's own work, the same in every boot of that seed.
  bool switches_disturb;
  /// Whether a boot's figures hold for the host alone that it ran on.
  bool depends_on_host;

  const char* more;  ///< the verdict on a kernel with the larger figures
  const char* less;

  const char* kind;    ///< what the figures are, in a few words within a sentence
  const char* note;    ///< what a reader of any figure has to know, as a sentence
  const char* method;  ///< how it is measured, as a sentence

  /// The accelerator (name_of(Accelerator)) under which the meter runs, but its figures stand for no real machine, and
  /// how such figures are marked wherever they are shown. Both are empty if there is none.
  const char* unrepresentative_accelerator;
  const char* unrepresentative;
};

const MeterProperties& properties_of(Meter meter);
std::span<const MeterProperties> all_meters();

/// Why the instructions meter has no more than one vCPU, for messages.
inline constexpr const char* kOneVcpu =
    "the instructions meter has one vCPU only, as QEMU's icount executes one CPU at a time, and a lock for which "
    "another "
    "CPU waits costs nothing there";

const char* name_of(Meter meter);
const char* unit_of(Meter meter);

/// The meter with this name; empty when there is none.
std::optional<Meter> meter_from(std::string_view name);

/// The meter that a stored run names. Exit::user when there is no such meter or its unit is another: figures whose unit
/// is not known shall not be shown.
Result<Meter> meter_of_run(std::int64_t run, std::string_view name, std::string_view unit);

}  // namespace nslab
