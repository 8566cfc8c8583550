// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

namespace nslab {

/// A question about designs: what side b costs beyond side a. A side's value, in one boot's seed, is the mean over its
/// kernels, or for an interaction twice that.
///
/// A main effect has, on each side, all kernels that differ in one option only: the mean of the differences is what the
/// option costs, whatever the others are. An interaction of two options is the difference of differences
/// (b1 + b2) − (a1 + a2), 0 if the cost of one does not depend on the other (Box, Hunter and Hunter, Statistics for
/// Experimenters, 2nd ed., section 5.4).
struct Contrast {
  std::string name;
  std::string label_a;
  std::string label_b;
  std::vector<std::string> a;
  std::vector<std::string> b;
  bool interaction = false;
};

/// The questions that these kernels can answer: known pairs, main effects over two designs or more, interactions.
/// To add a question about a pair is to add a line in contrasts.cc.
std::vector<Contrast> contrasts_of(const std::vector<std::string>& kernels);

}  // namespace nslab
