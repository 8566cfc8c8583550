// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

namespace nslab {

/// A question about designs: what side b costs beyond side a. A side's value, in one boot's seed, is the mean over its
/// kernels, or for an interaction twice that.
///
/// A main effect has, on each side, all kernels that differ in one option only: the mean of the differences is what the
/// option costs, whatever the others are. An interaction of two options is what one of them costs with the other,
/// less what it costs without: the difference of differences (b1 − a1) − (a2 − b2), 0 if the cost of one does not
/// depend on the other (Box, Hunter and Hunter, Statistics for Experimenters, 2nd ed., section 5.4). Ours is not halved
/// as theirs is: ours is a number of instructions of one kernel.
///
/// The margin of an interaction is that of any difference, so many per cent of what the operation costs on one kernel
/// (the mean over all kernels of side a), though a side is the sum of two kernels. The interaction is how far the cost
/// of the kernel with both options lies from what one expects of adding either option's cost to the kernel with
/// neither. That is an error in the cost of one kernel, and what is too small to matter in the one is too small to
/// matter in the other.
struct Contrast {
  std::string name;
  std::string label_a;  ///< a side's; of an interaction the place where its option is looked at, as "in multi"
  std::string label_b;
  std::vector<std::string> a;  ///< of an interaction in turn: a kernel of place b without the option, one of a with it
  std::vector<std::string> b;  ///< of an interaction in turn: a kernel of place a without the option, one of b with it
  bool interaction = false;
  std::string option = {};  ///< of an interaction: what costs or saves on either side, as "the cache"
};

/// The questions that these kernels can answer: known pairs, main effects over two designs or more, interactions.
/// To add a question about a pair is to add a line in contrasts.cc.
std::vector<Contrast> contrasts_of(const std::vector<std::string>& kernels);

}  // namespace nslab
