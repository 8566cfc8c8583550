// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "experiment.h"
#include "headlines.h"
#include "numbers.h"
#include "sections.h"
#include "symbols.h"
#include "words.h"

namespace nslab {
namespace {

constexpr std::size_t kShownFunctions = 5;

std::string with_depth(const std::string& kernel, int depth) { return fmt::format("{}, depth {}", kernel, depth); }

/// One difference: the whole, its changed code, and the functions that make most of it.
std::vector<std::string> row_of(const std::vector<Explanation>& lines) {
  const Explanation& whole = lines.front();
  const bool one_kernel = whole.kernel == whole.baseline;
  std::string changed(kMissing);
  std::string called(kMissing);
  std::string functions;
  std::size_t shown = 0;
  for (const Explanation& line : lines) {
    if (line.part == kPartAll) continue;
    if (line.function.empty()) {
      if (!one_kernel && line.part == kPartChanged) changed = difference_text(line);
      if (!one_kernel && line.part == kPartCalled) called = difference_text(line);
      continue;
    }
    if (++shown > kShownFunctions) break;
    const std::string why = line.part == kPartChanged ? line.code : line.part;
    functions += fmt::format("{}{} {} ({})", functions.empty() ? "" : "\n", line.function, difference_text(line), why);
  }
  if (functions.empty()) functions = "no function differs";
  return {whole.benchmark,
          with_depth(whole.kernel, whole.depth),
          with_depth(whole.baseline, whole.baseline_depth),
          difference_text(whole),
          changed,
          called,
          functions};
}

/// How much of these cells is not on a known path of calls, at most; empty where the run did not keep it.
std::string placement_text(const std::vector<Explanation>& lines) {
  std::map<std::string, double> most;  // per cent, by the name in brackets
  double a = 0;
  double b = 0;
  for (const Explanation& line : lines) {
    if (line.part != kPartAll) continue;
    if (line.function.empty()) {
      a = line.a;
      b = line.b;
    } else if (a > 0 && b > 0) {
      double& percent = most[line.function];
      percent = std::max({percent, 100 * line.a / a, 100 * line.b / b});
    }
  }
  if (!most.contains(kUnplaced) || !most.contains(kEarlier)) return "";
  return fmt::format(
      "Of the instructions of these cells, at most {} % could not be placed on a path of calls. At most {} % are of "
      "tasks that were there when counting began, as RCU's threads: there the outermost callers are not known, but the "
      "functions are.",
      format_number(most[kUnplaced], 3), format_number(most[kEarlier], 1));
}

}  // namespace

Document functions_section(const Report& report) {
  const Block heading{Block::Kind::heading, "Which functions make the difference"};
  const auto experiment = experiment_of(report.run);
  if (report.explanations.empty()) {
    if (!experiment || !experiment->attribution || report.run.finished.empty()) return {};
    return {heading,
            {Block::Kind::paragraph,
             "The functions were counted, but what the differences are made of is not in these results. 'nslab run' "
             "with the same experiment adds it, where the calls and the kernels are still there."}};
  }
  std::string other_reference;
  if (experiment && !experiment->reference.empty() && experiment->reference != report.reference) {
    other_reference = fmt::format(" They were made against '{}', the experiment's reference.", experiment->reference);
  }
  Table table;
  table.key_columns = 3;
  table.columns = {{"operation", "", Align::left},
                   {"kernel", "", Align::left},
                   {"against", "", Align::left},
                   {"all code (mean)"},
                   {kPartChanged},
                   {"and what it calls"},
                   {"the five functions that differ most", "", Align::left}};
  for (const auto& lines : by_headline(report.explanations)) table.rows.push_back(row_of(lines));
  Document document = {
      heading,
      {Block::Kind::paragraph,
       "For a process (fork, vfork), a thread, a program (exec), getpid, kill and a listing of /proc, as far as "
       "they were measured. 'All code' is the difference of the means: what a user pays. 'Changed code' is the "
       "part of it in the functions whose machine code differs between the two kernels, and beside it stands the "
       "part in unchanged functions that these call. Both belong to their pair of kernels: they do not add up from "
       "row to row. The rest is code that is the same in both and ran more or less often, or on other data: there "
       "a patch shows that takes the id tree away, and the freeing by RCU, which comes in batches and varies most. "
       "'nslab why' shows it by cause, with all functions (--all) and the paths of calls "
       "(docs/attribution.md). The functions come first whose interval excludes 0, largest first; behind each "
       "stands what its code is or, where it is the same, why it ran. They were picked from hundreds because they "
       "are large: where an interval only just excludes 0, think of chance."},
      {.kind = Block::Kind::table,
       .text =
           fmt::format("Differences in instructions per operation ({}), ± the 95 % interval over pairs of boots with "
                       "one seed.{}",
                       source_text(report, report.views.front()), other_reference),
       .table = std::move(table)}};
  if (std::string text = placement_text(report.explanations); !text.empty())
    document.push_back({Block::Kind::paragraph, std::move(text)});
  return document;
}

}  // namespace nslab
