// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <vector>

namespace nslab {

/// Values that lie close together.
struct Group {
  double low = 0;
  double high = 0;
  int count = 0;
  bool operator==(const Group&) const = default;
};

/// The few groups that the values fall into, ascending; empty when they do not. A mean of such values, and the interval
/// around it, lie where there is no value, and more values make the groups fuller and not narrower.
///
/// The rule: two neighbours belong to different groups if the gap between them is more than a tenth of the whole range.
/// The values fall into groups if there are at least 6 of them, at most one group for each 3 values, at least two
/// groups with 2 values or more (one value apart is an outlier), the groups' own widths add up to no more than a tenth
/// of the range, and the range is at least 0.1 % of the mean (less would not show in per cent with two decimals and an
/// interval).
///
/// We know of no published rule for so few values: the dip test (Hartigan and Hartigan, Ann. Statist. 13, 1985) finds
/// two equal, narrow groups in 10 values, but not 8 values against 2. This rule demands much instead: simulated, it
/// finds groups in 1 of 50,000 sets of 10 normal values, in none of 10 uniform ones, in 1 of 1,300 exponential and 1 of
/// 400 lognormal ones; with 6 values, in 1 of 2,000 of the worst of these. groups_test.cc repeats that.
std::vector<Group> groups_of(std::vector<double> values);

}  // namespace nslab
