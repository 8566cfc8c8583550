// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "levels.h"
#include "sample.h"

namespace nslab {

/// The samples of a run whose kernels were built several times ("multi~2", build_name.h) as samples of kernels: all
/// boots of one build are one, the mean over its rounds, whose seed is the build's number and 1. So a build is
/// the replicate, and boots are none: what one layout of the code does to all its boots is no property of the design
/// (Kalibera and Jones, ISMM 2013: the highest level that varies). It takes what in_whole_rounds() gives. Samples of a
/// run without several builds stay as they are.
std::vector<Sample> over_builds(const std::vector<Sample>& samples);

/// The samples of those rounds in which every build that has the cell was booted: a round that a build lacks would
/// otherwise be taken for a property of that build. Samples of a run without several builds stay as they are.
std::vector<Sample> in_whole_rounds(const std::vector<Sample>& samples);

/// How many builds of one kernel there are at the most.
int builds_in(const std::vector<Sample>& samples);

/// What varies in one cell of one kernel, and what it costs against the reference there.
struct CellLevels {
  std::string benchmark;
  std::string kernel;
  int depth = 0;
  double mean = 0;               ///< in the meter's unit, over builds
  std::optional<Levels> levels;  ///< empty: one build, or one round
  std::optional<double>
      ratio;  ///< to the reference at that depth, or at 0 where it has no other; empty for the reference itself
  std::optional<Interval> bootstrap;  ///< of the ratio (bootstrap_ratio())
  std::optional<double> drift;        ///< drift_percent() over all boots
};

/// Of all cells that were measured and never refused, in whole rounds, by benchmark, depth and kernel. `level` as of an
/// interval, 0.95; the other two as a report's.
std::vector<CellLevels> cell_levels(const std::vector<Sample>& samples, const std::string& reference,
                                    bool reference_at_depth_zero, double level);

}  // namespace nslab
