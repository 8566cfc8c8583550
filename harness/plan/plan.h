// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "benchmarks.h"
#include "experiment.h"
#include "result.h"

namespace nslab {

/// One cell as the guest is told to measure it. Units are those of docs/guest-protocol.md.
struct PlannedCell {
  int index = 0;
  std::string benchmark;
  int depth = 0;
  std::uint64_t iterations = 0;
  std::uint64_t warmup = 0;
  int history = 0;               ///< processes created and reaped beforehand
  std::uint64_t tick_phase = 0;  ///< instructions (guest ns) after a timer tick
  std::uint64_t slab_phase = 0;  ///< thousandths of the newest slab of mappings' locks that are used beforehand
  int limit_seconds = 0;         ///< guest seconds
  bool operator==(const PlannedCell&) const = default;
};

/// One boot: a kernel, a condition and a seed, and the cells in the order in which they are measured.
struct BootPlan {
  std::string kernel;
  std::uint64_t seed = 0;
  Meter meter = Meter::instructions;
  int vcpus = 1;
  Condition condition = {};
  int pid_max = 0;
  int mmap_pages = 0;
  int environment_bytes = 0;
  std::vector<std::string> command;  ///< a program of the guest's and its arguments, run before the cells; empty: none
  std::vector<PlannedCell> cells;
  bool isolated = false;  ///< each cell is measured in a guest of its own, and the boot is all of them together
  std::string fault;      ///< for tests only
  /// The hash of all that the boot's samples depend on. Under the instructions meter that is the kernel and its name,
  /// the guest, QEMU with its firmware and command line, and the plan with its seed; under the time meter the host as
  /// well. Set by prepare(), which knows them; empty before.
  std::string key = {};

  const char* unit() const { return unit_of(meter); }
  /// What the guests of this boot are told to do: the plan itself or, where cells are isolated, a plan for each.
  std::vector<BootPlan> guests() const;

  /// The plan as the guest reads it. Holds nothing of the kernel: all kernels see the same.
  std::string to_json() const;
};

/// The reverse of BootPlan::to_json(): all but the kernel, `isolated` and the key. Exit::user for another text.
Result<BootPlan> plan_from_json(const std::string& text);

/// Unfolds an experiment into boots, ordered seed by seed so that an interrupted run has complete pairs. Under a meter
/// that depends on the host, a seed is a block of a randomised complete block design: the order of kernels and
/// conditions is another one in each block, by seeded Latin squares, so that each stands in each place equally often.
///
/// All that a seed chooses is a pure function of the seed and (history, phase) of the benchmark's name, never of the
/// kernel, the depth or the condition: samples of one seed are paired across all three (common random numbers, Law and
/// Kelton, Simulation Modeling and Analysis, section 11.2). The order of cells is a seeded shuffle of all cells of the
/// experiment, of which each kernel measures its own. Exit::user when a benchmark is unknown, or when the guest's
/// memory does not hold what a cell needs.
Result<std::vector<BootPlan>> make_plan(const Experiment& experiment, const std::vector<Benchmark>& known);

/// What the plan's benchmarks need in the guest, and nothing else: an experiment's initramfs does not change with
/// benchmarks that it does not measure.
std::set<GuestFile> files_needed(const std::vector<BootPlan>& boots, const std::vector<Benchmark>& known);

}  // namespace nslab
