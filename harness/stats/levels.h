// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "stats.h"

namespace nslab {

/// What varies where one kernel is built several times, each build is booted in several rounds, and each boot repeats
/// the operation.

/// One boot of one build, in the values' unit.
struct BootValue {
  std::uint64_t round = 0;  ///< the block: each build is booted once in each
  double mean = 0;          ///< over the boot's repetitions
  double first_half = 0;    ///< over the first half of them
  double second_half = 0;
};
/// By build; a build's boots in any order.
using BootsOfBuilds = std::vector<std::vector<BootValue>>;

/// Where the variance comes from: standard deviations, in the values' unit.
struct Levels {
  double between_builds = 0;  ///< of builds, beside what their boots vary
  double between_boots = 0;   ///< of a build's boots, beside the rounds, and beside what their repetitions vary
  double of_repetitions = 0;  ///< of a boot's mean, as its two halves differ
  int builds = 0;
  int boots = 0;  ///< of all builds
};

/// The components of variance of a nested design with random effects (Searle, Casella and McCulloch, Variance
/// Components, 1992, section 3.6; for benchmarks Kalibera and Jones, 'Rigorous benchmarking in reasonable time', ISMM
/// 2013, section 6). What a round does to all builds alike is taken away before. A component that comes out negative is
/// 0. Empty with fewer than 2 builds of 2 boots each.
std::optional<Levels> levels_of(const BootsOfBuilds& boots);

/// The interval of mean(b) / mean(a) by a hierarchical bootstrap: builds are drawn with replacement, and of each its
/// boots (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8, strategy 1; Kalibera and
/// Jones, section 9.2). What a round does to all builds alike is taken away before: rounds are blocks. The percentiles
/// are those of the expanded interval (Hesterberg, The American Statistician 69, 2015, section 4.4.4) for as many
/// values as there are builds: plain ones are too narrow for so few. levels_test.cc simulates how often the interval
/// holds the true ratio. Empty when a kernel has fewer than 2 builds with boots, or a mean that is not above 0. The
/// draws are pseudo-random, and the same for the same input.
std::optional<Interval> bootstrap_ratio(const BootsOfBuilds& a, const BootsOfBuilds& b, double level);

/// How many more pairs are needed, at about the spread of those there are, until the comparison is decided: until the
/// interval leaves 0, or until it lies within the margin, whichever comes first. Empty when it is decided, when there
/// are fewer than 3 pairs, or when a thousand would not do.
std::optional<int> pairs_to_decide(const Comparison& comparison, double margin_percent);

/// Whether the second half of the repetitions costs something else than the first: the mean difference in per cent of
/// the first, where a paired t test over boots tells it from 0 at 1 %. Empty: it does not, or there are fewer than 3
/// boots.
std::optional<double> drift_percent(const std::vector<BootValue>& boots);

}  // namespace nslab
