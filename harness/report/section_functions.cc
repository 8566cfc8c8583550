// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include "headlines.h"
#include "numbers.h"
#include "sections.h"
#include "words.h"

namespace nslab {
namespace {

constexpr std::size_t kShownFunctions = 5;

std::string with_depth(const std::string& kernel, int depth) { return fmt::format("{}, depth {}", kernel, depth); }

/// One difference: the whole, its changed code, and the functions that make most of it.
std::vector<std::string> row_of(const std::vector<Explanation>& lines) {
  const Explanation& whole = lines.front();
  std::string changed;
  std::string functions;
  std::size_t shown = 0;
  for (const Explanation& line : lines) {
    if (line.function.empty()) {
      const bool one_kernel = line.kernel == line.baseline;
      if (line.part == kPartChanged) changed = one_kernel ? std::string(kMissing) : difference_text(line);
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
          functions};
}

}  // namespace

Document functions_section(const Report& report) {
  if (report.explanations.empty()) return {};
  Table table;
  table.key_columns = 3;
  table.columns = {{"operation", "", Align::left},
                   {"kernel", "", Align::left},
                   {"against", "", Align::left},
                   {"all code (mean)"},
                   {"changed code"},
                   {"the five functions that differ most", "", Align::left}};
  for (const auto& lines : by_headline(report.explanations)) table.rows.push_back(row_of(lines));
  return {
      {Block::Kind::heading, "Which functions make the difference"},
      {Block::Kind::paragraph,
       "For a process (fork, vfork), a thread, a program (exec), getpid, kill and a listing of /proc, as far as they "
       "were "
       "measured: the difference of the means, and how much of it is "
       "in changed code, the functions whose machine code differs between the two kernels. That is the design's own "
       "work, and what a reviewer of a patch asks for. The rest is the same code, which ran more or less often; a user "
       "pays for it as well. Behind a function stands what its code is, or for code that is the same why it ran more "
       "or "
       "less often. 'nslab why' shows all functions and the paths of calls (docs/attribution.md)."},
      {.kind = Block::Kind::table,
       .text =
           fmt::format("Differences in instructions per operation ({}), ± the 95 % interval over pairs of boots with "
                       "one seed.",
                       source_text(report, report.views.front())),
       .table = std::move(table)}};
}

}  // namespace nslab
