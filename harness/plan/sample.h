// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "meter.h"

namespace nslab {

/// What a cell ended with in one boot.
enum class CellStatus {
  ok,       ///< measured, and the benchmark checked that it did what it says
  refused,  ///< the kernel forbids the operation (flat at depth 2): a result of its own, never a count
};

/// One value of one cell in one boot: the distribution of the repetitions' costs, in the meter's unit
/// (instructions, or nanoseconds for the time meter). Boots are the replicates; repetitions are not.
struct Sample {
  std::string kernel;     ///< the model's name, as "flat+cache"
  int depth = 0;          ///< pid namespaces below the initial one
  std::string benchmark;  ///< as "fork_exit_wait"
  std::uint64_t seed = 0;
  std::string condition = "quiet";  ///< by its name (condition.h)
  CellStatus status = CellStatus::ok;
  std::string refusal;  ///< the errno's name when refused, as "EINVAL"; empty otherwise

  // All zero when refused. `sum` is exact; the mean is sum / iterations.
  std::uint64_t iterations = 0;
  std::uint64_t sum = 0;
  std::uint64_t sum_first_half = 0;  ///< of the first iterations / 2 repetitions
  std::uint64_t minimum = 0;
  std::uint64_t median = 0;
  std::uint64_t p90 = 0;
  std::uint64_t maximum = 0;
  std::uint64_t involuntary_switches = 0;

  /// What the seed chose and the guest saw of it, as the guest's JSON object text ("layout"): the stack's
  /// address, the mmap base, the tick phase, the history.
  std::string layout;

  double mean() const { return iterations == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(iterations); }
  bool operator==(const Sample&) const = default;
};

/// A sample's layout, by name; empty where it has none.
Json layout_of(const Sample& sample);

/// Why no boot may have ended with this sample, or nothing: a store or a file that holds it is damaged or was edited.
/// The text has no subject: "is measured and has no repetitions".
std::string impossible(const Sample& sample);

/// A boot that was tried and did not end well. It has no samples.
struct BootFailure {
  std::string kernel;
  std::uint64_t seed = 0;
  std::string error;                ///< what happened, several lines
  std::string condition = "quiet";  ///< by its name (condition.h)
  bool operator==(const BootFailure&) const = default;
};

/// One run: an experiment executed once.
inline constexpr const char* kAsGiven = "as given";

struct RunRecord {
  std::int64_t id = 0;
  std::string experiment;  ///< the experiment's name
  Meter meter = Meter::instructions;
  std::string profile;                  ///< as "lean"; kAsGiven where all kernels are given, and so of no profile
  bool measurable = true;               ///< whether the profile's figures count; if not, everything shown says so
  std::string base;                     ///< as "linux-6.12"; or kAsGiven
  std::string started;                  ///< UTC, ISO 8601
  std::string finished;                 ///< empty while boots are missing
  std::string manifest;                 ///< JSON: experiment text, kernels with hashes, initramfs hash, QEMU, host
  std::string accelerator = "unknown";  ///< as the manifest names it: "tcg with icount", "tcg" or "kvm"
  int boots_planned = 0;
  int boots_done = 0;
  std::vector<BootFailure> failures = {};  ///< of the boots that are missing, those that were tried; by kernel, seed

  const char* unit() const { return unit_of(meter); }
  bool operator==(const RunRecord&) const = default;
};

/// "PROFILE mini: NOT FOR MEASUREMENT"; empty for a profile that is for measurement.
std::string profile_mark(const RunRecord& run);
/// "TCG wall time: not representative"; empty where the meter means what it says.
std::string meter_mark(const RunRecord& run);
/// The two, where there are any: they stand wherever figures do, in captions, plots and exports.
std::vector<std::string> marks_of(const RunRecord& run);

/// In the error of a boot that was not tried, behind its name.
inline constexpr std::string_view kNotBooted = ": not booted, because ";

/// What a report of this run is called. It is the report's first line, and tells whose report a folder has.
std::string report_title(const RunRecord& run);

}  // namespace nslab
