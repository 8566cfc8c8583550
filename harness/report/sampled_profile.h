// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "document.h"
#include "result.h"

namespace nslab {

/// Samples by their stacks: "caller;callee" and how many.
using FoldedStacks = std::map<std::string, std::uint64_t>;

/// Reads what flamegraph.pl reads: "caller;callee COUNT" a line. Exit::says_no with the line that is none.
Result<FoldedStacks> parse_folded_stacks(std::string_view text);

/// What perf saw of one benchmark on one kernel, in one guest.
struct SampledProfile {
  std::string kernel;  ///< with its profile, as "multi (lean)"
  std::string benchmark;
  int depth = 0;
  std::uint64_t repetitions = 1;
  std::string event = "cpu-clock";        ///< perf's
  std::string quantity = "instructions";  ///< what the event counts
  std::uint64_t period = 1;               ///< of that quantity, from one sample to the next
  FoldedStacks stacks;

  std::uint64_t samples() const;
};

/// A function without what it calls, in two profiles of the same benchmark.
struct SampledDifference {
  std::string function;
  std::uint64_t a = 0;        ///< samples
  std::uint64_t b = 0;        ///< samples
  double difference = 0;      ///< b − a, of the quantity for a repetition
  double sampling_error = 0;  ///< of the difference: the half width of its own 95 % interval
  double p = 1;               ///< of 'no difference', adjusted (Holm) for all functions that are tested
  bool tested = false;
  bool decided() const { return tested && p < 0.05; }
};

/// Functions with fewer samples than this in both profiles together are not tested: they could hardly be decided, and
/// each would weaken the others' tests. How many there are says nothing of which profile they are from.
inline constexpr std::uint64_t kLeastTested = 20;

/// The two-sided p-value of a samples in the first profile and b in the second, if a sample falls in the second with
/// the probability `share_b`: the exact test of two Poisson rates, given their sum (Przyborowski and Wilenski,
/// Biometrika 31, 1940). As samples at equal intervals scatter no more than Poisson's, it errs to the safe side.
double sampled_p(std::uint64_t a, std::uint64_t b, double share_b);

/// Function by function: decided ones first, then by the size of the difference. Both profiles have the same benchmark,
/// event and period; a repetition is what they are compared by.
std::vector<SampledDifference> sampled_differences(const SampledProfile& a, const SampledProfile& b);

/// A sentence, and the table of what is decided, all or the largest differences, with the largest of the rest.
Document sampled_difference_document(const SampledProfile& a, const SampledProfile& b, bool all = false);

/// A flame graph of the samples, which says that it is sampled.
std::string sampled_flame_graph(const SampledProfile& profile);
/// Differential: a frame is as wide as the larger of both sides' samples for a repetition, and has a colour only where
/// its difference is decided.
std::string sampled_flame_graph(const SampledProfile& a, const SampledProfile& b);

}  // namespace nslab
