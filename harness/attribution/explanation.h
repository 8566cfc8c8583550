// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

namespace nslab {

/// A part of a difference between two kernels, or two depths of one, under one condition: a line of what `nslab why`
/// says. A run that counts functions keeps these lines for its headline cells, as later the kernels' code may be gone.
struct Explanation {
  std::string benchmark;
  std::string kernel;  ///< side b
  int depth = 0;
  std::string baseline;  ///< side a
  int baseline_depth = 0;
  /// "all", "changed code", or a cause of induced work ("allocator"). The parts without a function add up to "all".
  std::string part;
  std::string function =
      {};  ///< FunctionName::shown(); empty: the part as a whole; of "all", kUnplaced or kEarlier (symbols.h)
  std::string code = {};  ///< of a function, as words_for(CodeChange) says it
  double a = 0;           ///< instructions a repetition, the mean over boots
  double b = 0;
  double low = 0;  ///< the 95 % interval of b − a, over pairs of boots with one seed (Student)
  double high = 0;
  std::string condition = "quiet";  ///< by its name (condition.h)
  bool operator==(const Explanation&) const = default;

  double difference() const { return b - a; }
  bool exact() const { return low == high; }            ///< every pair has the same difference
  bool decided() const { return low > 0 || high < 0; }  ///< the interval leaves out 0
};

inline constexpr const char* kPartAll = "all";
inline constexpr const char* kPartChanged = "changed code";
inline constexpr const char* kPartCalled = "called by changed code";
/// What a table calls the parts together that are the same on both sides, in each pair of boots.
inline constexpr const char* kAllElse = "all else, the same in both";

}  // namespace nslab
