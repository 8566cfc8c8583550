// SPDX-License-Identifier: GPL-2.0
#include "plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "text.h"
#include "words.h"
#include "wrap.h"

namespace nslab {
namespace {

/// Kernels by their numbers. The plots have nine colours (plots/page.gp): what is most often seen together comes first.
constexpr std::string_view kNumbered[] = {"none",
                                          "multi",
                                          "multi+cache",
                                          "flat+cache",
                                          "multi+hash",
                                          "list+hash",
                                          "flat",
                                          "multi-twin",
                                          "multi-known",
                                          "flat+hash",
                                          "flat+cache+hash",
                                          "static3",
                                          "list",
                                          "multi+cache+hash",
                                          "list+cache",
                                          "nons",
                                          "list+cache+hash",
                                          "static3+cache",
                                          "static3+hash",
                                          "static3+cache+hash",
                                          "none+cache+hash",
                                          "none+hash",
                                          "none+cache",
                                          "multi+hash22",
                                          "multi+reserve",
                                          "multi+cache+reserve",
                                          "flat+reserve",
                                          "flat+cache+reserve",
                                          "static3+reserve",
                                          "list+reserve"};

std::string field(double value) { return fmt::format("{:.6f}", value); }

/// Of what run a plot is, and how sure: the second line of its title.
std::string subtitle(const Report& report) {
  int low = 0;
  int high = 0;
  for (const auto& [key, cell] : shown(report).cells) {
    if (cell.state != Cell::State::measured) continue;
    low = low == 0 ? cell.measured_boots : std::min(low, cell.measured_boots);
    high = std::max(high, cell.measured_boots);
  }
  const std::string boots = low == high ? counted(high, "boot") : fmt::format("{} to {} boots", low, high);
  const RunRecord& run = report.run;
  std::string text = fmt::format("{}, {}, condition {}; {} meter ({}), {} a cell; error bars: {} interval",
                                 run.experiment, origin_text(run), report.condition, name_of(run.meter),
                                 run.accelerator, boots, level_text(report.options.level));
  if (run.boots_done < run.boots_planned) {
    text += fmt::format("; INCOMPLETE, {} missing", counted(run.boots_planned - run.boots_done, "boot"));
  }
  if (const auto marks = marks_of(run); !marks.empty()) text += fmt::format("\n{}", fmt::join(marks, "; "));
  return text;
}

}  // namespace

const View& shown(const Report& report) { return report.views.front(); }

const Cell* find_cell(const Report& report, const std::string& benchmark, const std::string& kernel, int depth) {
  const auto& cells = shown(report).cells;
  const auto found = cells.find({benchmark, kernel, depth});
  return found == cells.end() ? nullptr : &found->second;
}

std::size_t number_of(const Report& report, const std::string& kernel) {
  const auto known = [](const std::string& k) -> std::size_t {
    const auto* found = std::find(std::begin(kNumbered), std::end(kNumbered), k);
    return found == std::end(kNumbered) ? 0 : static_cast<std::size_t>(found - std::begin(kNumbered)) + 1;
  };
  if (const std::size_t number = known(kernel); number != 0) return number;
  std::set<std::size_t> taken;
  for (const std::string& k : report.kernels) taken.insert(known(k));
  std::size_t number = 0;
  for (const std::string& k : report.kernels) {
    if (known(k) != 0) continue;
    do ++number;
    while (taken.contains(number));
    if (k == kernel) break;
  }
  return number;
}

std::vector<int> shallow_depths(const Report& report) {
  std::vector<int> depths = report.depths;
  if (depths.size() > 2) depths.resize(2);
  return depths;
}

std::string fields(double value, const std::optional<Interval>& interval) {
  const Interval i = interval.value_or(Interval{value, value});
  return fmt::format("{} {} {}", field(value), field(i.low), field(i.high));
}

std::string as_word(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ') {
      out += "\u00a0";
    } else {
      out += c;
    }
  }
  return out;
}

std::string names_of(const std::vector<Series>& lines) {
  return words_of(lines, [](const Series& s) { return as_word(fmt::format("{}, depth {}", s.kernel, s.depth)); });
}

std::string looks_of(const Report& report, const std::vector<Series>& lines) {
  const auto depths = shallow_depths(report);
  return words_of(lines, [&](const Series& s) {
    return fmt::format("{} {}", number_of(report, s.kernel), s.depth == depths.front() ? 1 : 2);
  });
}

std::string title_text(const Report& report, std::string_view what) {
  return fmt::format("{}: {}\n{}", what, quantity_text(report.run, shown(report).statistic), subtitle(report));
}

std::string note_lines(std::string_view note) {
  constexpr int columns = 170;  // of the templates' small type on their 1,200 pixels
  return wrap(note, columns);
}

std::string refused_note(const Report& report, const std::vector<int>& drawn) {
  // A kernel that refuses a depth altogether is one entry, not one for each benchmark.
  std::map<std::pair<std::string, int>, std::pair<int, int>> counts;  // refused, all
  std::string refusal;
  for (const auto& [key, cell] : shown(report).cells) {
    auto& [refused, all] = counts[{key.kernel, key.depth}];
    ++all;
    if (cell.state != Cell::State::refused) continue;
    ++refused;
    refusal = cell.refusal;
  }
  std::vector<std::string> entries;
  for (const std::string& kernel : report.kernels) {
    std::string depths;
    for (const int depth : drawn) {
      const auto found = counts.find({kernel, depth});
      if (found == counts.end() || found->second.first == 0) continue;
      if (found->second.first == found->second.second) {
        depths += (depths.empty() ? "" : ", ") + fmt::to_string(depth);
        continue;
      }
      for (const auto& [key, cell] : shown(report).cells) {
        if (key.kernel != kernel || key.depth != depth || cell.state != Cell::State::refused) continue;
        entries.push_back(fmt::format("{} on {} at depth {}", key.benchmark, kernel, depth));
      }
    }
    if (!depths.empty()) entries.push_back(fmt::format("{} at depth {}", kernel, depths));
  }
  if (entries.empty()) return "";
  return fmt::format("Not drawn, because the kernel refused it ({}): {}.", refusal, fmt::join(entries, "; "));
}

}  // namespace nslab
