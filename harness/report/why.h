// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "call_tree.h"
#include "document.h"
#include "json.h"
#include "machine_code.h"
#include "stats.h"

namespace nslab {

/// One of the two that are compared: a kernel under a condition, at a depth. A tree a seed, in ascending order of
/// seeds, the same seeds for both.
struct WhySide {
  std::string kernel;
  int depth = 0;
  std::vector<CallTree> trees;
  std::string condition = "quiet";  ///< by its name (condition.h)
};

struct WhyQuestion {
  std::string benchmark;
  std::string profile;
  std::uint64_t first_seed = 1;
  std::uint64_t iterations = 1;  ///< repetitions a boot: what the trees' instructions are divided by
  WhySide a;
  WhySide b;
  std::map<std::string, CodeChange> changes =
      {};  ///< of the kernel's functions; those that are not named have the same code
  double level = 0.95;
};

/// b − a, in instructions a repetition, over pairs of boots with one seed.
struct WhyDifference {
  double a = 0;
  double b = 0;
  Estimate estimate;               ///< of b − a
  std::vector<double> pairs = {};  ///< b − a of each pair of boots, in instructions of all repetitions together

  double difference() const { return estimate.value; }
};

/// A function, or all of several together.
struct WhyRow {
  std::string function;  ///< as FunctionName::shown(); empty: a sum
  CodeChange change = CodeChange::same;
  std::string cause;  ///< of what is induced: why same code ran more or less often; empty: it is changed code
  WhyDifference instructions;
  double calls_a = 0;  ///< a repetition
  double calls_b = 0;
};

/// A function's accesses to memory, a repetition. Of the last row the function is empty: the sum of all.
struct WhyAccesses {
  std::string function;
  WhyDifference loads;
  WhyDifference stores;
};

/// A function as one path of calls reaches it.
struct WhyNode {
  std::uint32_t parent = 0;
  std::string function;
  double a = 0;  ///< in the function itself, a repetition
  double b = 0;
  double all_a = 0;  ///< with all that it calls
  double all_b = 0;
};

/// The answer. All rows of `changed` and `induced` together add up to `whole`.
struct Why {
  WhyDifference whole;
  WhyDifference changed_sum;
  /// Instructions a repetition in a, and in b, of which the path of calls or the function is not known.
  std::array<double, 2> unplaced = {};
  /// Likewise in tasks that were there when counting began: their outermost callers are not known.
  std::array<double, 2> earlier_tasks = {};
  std::vector<WhyRow> changed;             ///< functions whose code differs, largest difference first
  std::vector<WhyRow> causes;              ///< sums of `induced`, a row for each cause, largest first
  std::vector<WhyRow> induced;             ///< functions with the same code, by cause and then by size
  std::vector<WhyAccesses> accesses = {};  ///< largest difference first, then the sum; empty: they were not counted
  std::vector<WhyNode> tree;               ///< means over seeds; nodes[0] is the root
};

/// Takes the difference apart, function by function. A function is changed when its CodeChange is changed, gone or
/// fresh; all others are induced: the same code ran more or less often. Intervals are Student's over the pairs.
Why explain(const WhyQuestion& question);

enum class WhyBy { function, path };

/// A sentence, then the tables: of the largest differences, or of all.
Document why_document(const WhyQuestion& question, const Why& why, WhyBy by, bool all = false);
Json why_json(const WhyQuestion& question, const Why& why);

/// Stacks as flamegraph.pl and speedscope read them: "caller;callee COUNT" a line, instructions of all seeds together.
std::string folded_stacks(const WhySide& side);
/// As callgrind_annotate and KCachegrind read it ("Callgrind Format Specification", Valgrind's manual).
std::string callgrind_profile(const WhySide& side, const std::string& benchmark);
/// A differential flame graph as SVG, which needs no script: a frame is as wide as the larger of both sides'
/// instructions, red where b executes more of them, blue where fewer.
std::string flame_graph(const WhyQuestion& question, const Why& why);

}  // namespace nslab
