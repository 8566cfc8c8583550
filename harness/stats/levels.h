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

/// The components of variance, by the analysis of variance of a randomised block design with random effects, whose
/// blocks are the rounds (the levels are those of Kalibera and Jones, 'Rigorous benchmarking in reasonable time', ISMM
/// 2013). Every build must have the same rounds. How the two halves of a boot differ from their mean difference tells
/// what repetitions make, so that a drift is no noise. A component that comes out negative is 0. Empty with fewer than
/// 2 builds or 2 rounds.
std::optional<Levels> levels_of(const BootsOfBuilds& boots);

/// The interval of mean(b) / mean(a) by a hierarchical bootstrap: builds are drawn with replacement, and so are the
/// boots of each (Davison and Hinkley, Bootstrap Methods and their Application, 1997, on hierarchical data; both stages
/// with replacement overstate the variance where boots vary much). What a round does to all builds alike is taken away
/// before: rounds are blocks. The percentiles are expanded after Hesterberg (The American Statistician 69, 2015), here
/// for two kernels with the degrees of freedom of both: plain ones are too narrow for so few builds. levels_test.cc
/// simulates how often the interval holds the true ratio. Empty when a kernel has fewer than kLeastBuilds builds, where
/// it does not hold what it promises, or a mean that is not above 0. The draws are pseudo-random, and the same for the
/// same input.
constexpr std::size_t kLeastBuilds = 5;
std::optional<Interval> bootstrap_ratio(const BootsOfBuilds& a, const BootsOfBuilds& b, double level);

/// What is known of how many more pairs would decide a comparison.
struct PairsNeeded {
  enum class Kind {
    more,      ///< `pairs` more
    too_many,  ///< more than a thousand
    by_floor,  ///< it is smaller than its floor, which may be lower with more pairs, or not
    unknown,   ///< fewer than 5 pairs, which tell too little of the spread
  };
  Kind kind = Kind::unknown;
  int pairs = 0;
};

/// How many more pairs would decide a comparison that is undecided in 4 of 5 cases, if the mean and the spread stayed
/// as they are: that it is more than 0 and than its floor, or less than the margin where that can be shown, whichever
/// comes first. Each test is at (1 - level) / family, the strictest of Holm's steps. Empty when it is decided.
std::optional<PairsNeeded> pairs_to_decide(const Comparison& comparison, double margin_percent, double level,
                                           std::size_t family);

/// Whether the second half of the repetitions costs something else than the first: the mean difference in per cent of
/// the first, where a paired t test over boots tells it from 0 at 1 %. Empty: it does not, or there are fewer than 3
/// boots.
std::optional<double> drift_percent(const std::vector<BootValue>& boots);

}  // namespace nslab
