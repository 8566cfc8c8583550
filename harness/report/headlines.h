// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

#include "explanation.h"
#include "report.h"
#include "sample.h"
#include "why.h"

namespace nslab {

/// A difference that a report takes apart, function by function: `kernel` at `depth` against `baseline`.
struct HeadlineDifference {
  std::string benchmark;
  std::string kernel;
  int depth = 0;
  std::string baseline;
  int baseline_depth = 0;
  std::string condition = "quiet";           ///< of `kernel`
  std::string baseline_condition = "quiet";  ///< another one only where 'nslab why' is asked for it
  auto operator<=>(const HeadlineDifference&) const = default;
};

/// The headline operations are a process (fork, vfork), a thread, a program (exec), the programs of the macro
/// benchmarks that do little else, and the look-ups of getpid, kill and of a listing of /proc. Of each that was
/// measured: at depths 0 and 1 every kernel against the reference at the same depth, and the known pairs of
/// contrasts_of(); and each kernel's first and greatest depths against its depth 0, but of a listing, which has fewer
/// processes to show inside a namespace. So a difference is one of kernels or one of depth, never of both, and it is
/// there in one direction alone. Cells that were refused are left out.
std::vector<HeadlineDifference> headline_differences(const Report& report);

/// Whether the benchmark is one of the headline operations.
bool is_headline(const std::string& benchmark);

/// Every difference from the reference at the same depth, whatever the benchmark and the depth.
std::vector<HeadlineDifference> differences_from_reference(const Report& report);

/// How many functions of a headline difference are kept. A report shows five of them.
constexpr std::size_t kKeptFunctions = 8;

/// What explain() found, as lines to be kept: the whole, changed code, the causes with the largest difference first,
/// the functions with the largest differences, and what could not be placed.
std::vector<Explanation> explanations_of(const HeadlineDifference& headline, const Why& why);

/// The lines of each headline difference: the first is the whole.
std::vector<std::vector<Explanation>> by_headline(const std::vector<Explanation>& explanations);

/// "−73.9 ± 0.1", "+100 exact".
std::string difference_text(const Explanation& line);

}  // namespace nslab
