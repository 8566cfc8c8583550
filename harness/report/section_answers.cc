// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "numbers.h"
#include "sections.h"
#include "words.h"

namespace nslab {
namespace {

/// The size of a difference without its sign: "exactly 13", "13.0 ± 1.2".
std::string size_text(const Comparison& c, Meter meter) {
  const int decimals = decimals_for(c, meter);
  const std::string size = format_number(std::abs(c.difference), decimals);
  if (c.exact) return "exactly " + size;
  return size + " ± " + format_number(c.interval->half_width(), decimals);
}

std::string difference_sentence(const ContrastAnswer& answer, const Report& report) {
  const Comparison& c = answer.comparison;
  if (c.exact && c.difference == 0) {
    return fmt::format("{} and {} cost exactly the same in each of {} pairs of boots.", answer.contrast.label_a,
                       answer.contrast.label_b, c.pairs);
  }
  std::string percent;
  if (c.percent) {
    percent = " (" + percent_text(c);
    if (c.percent_interval && !c.exact) percent += ", " + interval_text(c.percent_interval, 2);
    percent += ")";
  }
  return fmt::format("{} {} {} {}{} against {}: {}.", answer.contrast.label_b, c.difference > 0 ? "costs" : "saves",
                     size_text(c, report.run.meter), report.run.unit(), percent, answer.contrast.label_a,
                     verdict_text(c, report.options.margin_percent, report.run.meter));
}

/// What a verdict says of an interaction, which has no kernel that costs more.
std::string interaction_verdict(const Comparison& c, double margin_percent) {
  switch (c.verdict) {
    case Verdict::more:
    case Verdict::less:
      return c.within_margin ? fmt::format("they interact (within {:.4g} %)", margin_percent) : "they interact";
    case Verdict::equivalent:
      return fmt::format("they add up (within {:.4g} %)", margin_percent);
    case Verdict::undecided:
      break;
  }
  return "undecided";
}

/// "the cache saves 13 fewer instructions in flat (54) than in multi (67): they interact."
std::string interaction_sentence(const ContrastAnswer& answer, const Report& report) {
  const Comparison& c = answer.comparison;
  const Contrast& contrast = answer.contrast;
  // Where it saves on both sides the effects are shown as savings, else with their signs.
  const bool saves = answer.effect_a <= 0 && answer.effect_b <= 0;
  const bool costs = answer.effect_a >= 0 && answer.effect_b >= 0;
  const int decimals = decimals_for(c, report.run.meter);
  const auto effect_text = [&](double effect) {
    return saves || costs ? format_number(std::abs(effect), decimals) : format_signed(effect, decimals);
  };
  const char* const verb = saves ? "saves" : "costs";
  if (c.exact && c.difference == 0) {
    return fmt::format("{} {} exactly as much {} as {} ({}), in each of {} pairs of boots: {}.", contrast.option, verb,
                       contrast.label_b, contrast.label_a, effect_text(answer.effect_a), c.pairs,
                       interaction_verdict(c, report.options.margin_percent));
  }
  const bool more = saves ? c.difference < 0 : c.difference > 0;
  return fmt::format("{} {} {} {} {} {} ({}) than {} ({}): {}.", contrast.option, verb, size_text(c, report.run.meter),
                     more ? "more" : "fewer", report.run.unit(), contrast.label_b, effect_text(answer.effect_b),
                     contrast.label_a, effect_text(answer.effect_a),
                     interaction_verdict(c, report.options.margin_percent));
}

std::string sentence(const ContrastAnswer& answer, const Report& report) {
  const std::string where = fmt::format("{}, depth {}: ", answer.benchmark, answer.depth);
  if (answer.comparison.pairs < 2)
    return where + "there is only one pair of boots, so that the difference is undecided.";
  return where +
         (answer.contrast.interaction ? interaction_sentence(answer, report) : difference_sentence(answer, report));
}

/// The question, and how often each verdict was given to it.
std::string summary(const Contrast& contrast, std::span<const ContrastAnswer> answers, Meter meter) {
  std::array<int, 4> counts{};
  for (const ContrastAnswer& answer : answers) ++counts.at(static_cast<std::size_t>(answer.comparison.verdict));
  const auto [more, less, equivalent, undecided] = counts;
  const std::string question = capitalized(contrast.name);
  if (contrast.interaction) {
    return fmt::format("{} ({} {} against {}): of {} cells, they interact in {}, add up in {}, undecided: {}.",
                       question, contrast.option, contrast.label_b, contrast.label_a, answers.size(), more + less,
                       equivalent, undecided);
  }
  return fmt::format("{} ({} against {}): of {} cells, '{}' in {}, '{}' in {}, equivalent in {} and undecided in {}.",
                     question, contrast.label_b, contrast.label_a, answers.size(), verdict_word(Verdict::more, meter),
                     more, verdict_word(Verdict::less, meter), less, equivalent, undecided);
}

}  // namespace

Document answers_section(const Report& report, const View& view) {
  if (view.answers.empty()) return {};
  Document section = {
      {Block::Kind::heading, fmt::format("What each idea costs or saves ({})", name_of(view.statistic))},
      {Block::Kind::paragraph,
       fmt::format(
           "In {} per operation with {} intervals, at depth 0 (the initial namespace) and 1 (after unshare); {}. "
           "The verdicts are corrected for all {} comparisons of this section (Holm). An interaction is a difference "
           "of two differences, on one kernel's cost: its margin is so many per cent of what the operation costs.",
           report.run.unit(), level_text(report.options.level), source_text(report, view), view.answers.size())}};
  for (auto first = view.answers.begin(); first != view.answers.end();) {
    const auto last = std::find_if(first, view.answers.end(),
                                   [&](const ContrastAnswer& x) { return x.contrast.name != first->contrast.name; });
    Block list{Block::Kind::bullets};
    for (auto answer = first; answer != last; ++answer) list.bullets.push_back(sentence(*answer, report));
    section.push_back({Block::Kind::paragraph, summary(first->contrast, {first, last}, report.run.meter)});
    section.push_back(std::move(list));
    first = last;
  }
  return section;
}

}  // namespace nslab
