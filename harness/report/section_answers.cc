// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "numbers.h"
#include "sections.h"
#include "words.h"

namespace nslab {
namespace {

std::string effect_sentence(const ContrastAnswer& answer, const Report& report) {
  const Comparison& c = answer.comparison;
  const std::string where = fmt::format("{}, depth {}: ", answer.benchmark, answer.depth);
  const std::string verdict = verdict_text(c, report.options.margin_percent);
  if (c.pairs < 2) return where + "there is only one pair of boots, so that the difference is undecided.";
  if (c.exact && c.difference == 0) {
    return fmt::format("{}{} and {} cost exactly the same in each of {} pairs of boots.", where,
                       answer.contrast.label_a, answer.contrast.label_b, c.pairs);
  }
  const int decimals = decimals_for(c, report.run.meter);
  const std::string magnitude = format_number(std::abs(c.difference), decimals);
  const std::string width = c.exact ? "" : " ± " + format_number((c.interval->high - c.interval->low) / 2, decimals);
  std::string percent;
  if (c.percent && !answer.contrast.interaction) {
    percent = " (" + percent_text(c);
    if (c.percent_interval) percent += ", " + interval_text(c.percent_interval, 2);
    percent += ")";
  }
  return fmt::format("{}{} {} {}{}{} {}{} against {}: {}.", where, answer.contrast.label_b,
                     c.difference > 0 ? "costs" : "saves", c.exact ? "exactly " : "", magnitude, width,
                     report.run.unit(), percent, answer.contrast.label_a, verdict);
}

}  // namespace

Document answers_section(const Report& report, const View& view) {
  if (view.answers.empty()) return {};
  Document section = {
      {Block::Kind::heading, fmt::format("What each idea costs or saves ({})", name_of(view.statistic))},
      {Block::Kind::paragraph,
       fmt::format(
           "In {} per operation with {} intervals, at depth 0 (the initial namespace) and 1 (after unshare); {}. "
           "The verdicts are corrected for all {} comparisons of this section (Holm).",
           report.run.unit(), level_text(report.options.level), source_text(report, view), view.answers.size())}};
  for (auto first = view.answers.begin(); first != view.answers.end();) {
    const auto last = std::find_if(first, view.answers.end(),
                                   [&](const ContrastAnswer& x) { return x.contrast.name != first->contrast.name; });
    std::array<int, 4> counts{};
    Block list{Block::Kind::bullets};
    for (auto answer = first; answer != last; ++answer) {
      ++counts.at(static_cast<std::size_t>(answer->comparison.verdict));
      list.bullets.push_back(effect_sentence(*answer, report));
    }
    section.push_back({Block::Kind::paragraph,
                       fmt::format("{} ({} against {}): of {} cells, {} are slower, {} faster, {} equivalent and {} "
                                   "undecided.",
                                   capitalized(first->contrast.name), first->contrast.label_b, first->contrast.label_a,
                                   last - first, counts[0], counts[1], counts[2], counts[3])});
    section.push_back(std::move(list));
    first = last;
  }
  return section;
}

}  // namespace nslab
