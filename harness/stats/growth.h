// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "stats.h"

namespace nslab {

/// One boot's costs of an operation at several sizes: (size, cost), both above 0.
using CostsBySize = std::vector<std::pair<double, double>>;

/// The exponent b of cost = a · size^b, by least squares of log(cost) on log(size) (Goldsmith, Aiken and Wilkerson,
/// Measuring Empirical Computational Complexity, ESEC/FSE 2007, section 3). 0: the cost does not grow; 1: it doubles
/// with the size. Empty with fewer than two different sizes, or when a size or a cost is not above 0.
std::optional<double> log_log_slope(const CostsBySize& costs);

/// The slope over boots: one slope from each, their mean and its Student interval at `level`. The slope is each boot's
/// summary measure (Matthews, Altman, Campbell and Royston, Analysis of serial measurements in medical research, BMJ
/// 300, 1990): how far the points lie from the line says that cost is no pure power of size, which is not noise, and
/// does not widen the interval. Boots without a slope are left out.
Estimate growth(std::span<const CostsBySize> boots, double level);

}  // namespace nslab
