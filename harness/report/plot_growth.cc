// SPDX-License-Identifier: GPL-2.0
// Cost against size, as lines on logarithmic axes, in a panel for each operation and quantity, for the two shallowest
// depths.
#include <fmt/format.h>

#include <algorithm>

#include "plot.h"

namespace nslab {
namespace {

struct GrowthLines {
  std::vector<std::pair<std::string, std::string>> panels;  ///< operation and quantity
  std::vector<Series> lines;
};

const Growth* find_growth(const Report& report, const std::string& series, const std::string& quantity,
                          const Series& line) {
  for (const Growth& growth : shown(report).growths) {
    if (growth.series == series && growth.quantity == quantity && growth.kernel == line.kernel &&
        growth.depth == line.depth) {
      return &growth;
    }
  }
  return nullptr;
}

/// What grows with levels is in the plot of the cost of depth.
GrowthLines growth_lines(const Report& report) {
  GrowthLines lines;
  for (const Growth& growth : shown(report).growths) {
    if (!growth.depth) continue;
    if (lines.panels.empty() || lines.panels.back() != std::pair(growth.series, growth.quantity)) {
      lines.panels.emplace_back(growth.series, growth.quantity);
    }
  }
  for (const std::string& kernel : report.kernels) {
    for (const int depth : shallow_depths(report)) {
      const bool any = std::any_of(lines.panels.begin(), lines.panels.end(), [&](const auto& panel) {
        return find_growth(report, panel.first, panel.second, {kernel, depth}) != nullptr;
      });
      if (any) lines.lines.push_back({kernel, depth});
    }
  }
  if (lines.lines.empty()) lines.panels.clear();
  return lines;
}

/// A logarithmic axis has no room for an interval that reaches below 0: that end is then left out.
std::optional<Interval> above_zero(const Estimate& cost) {
  if (!cost.interval || cost.interval->low > 0) return cost.interval;
  return Interval{cost.value, cost.interval->high};
}

std::string growth_data(const Report& report) {
  const GrowthLines lines = growth_lines(report);
  if (lines.panels.empty()) return "";
  std::string out = fmt::format(
      "# size, {} per operation, low and high end of the interval; a block for each operation and quantity, kernel and "
      "depth\n",
      report.run.unit());
  bool first = true;
  for (const auto& [series, quantity] : lines.panels) {
    for (const Series& line : lines.lines) {
      if (!first) out += "\n\n";
      first = false;
      out += fmt::format("# {} against {} on {}, depth {}\n", series, quantity, line.kernel, line.depth);
      const Growth* growth = find_growth(report, series, quantity, line);
      if (growth == nullptr) {
        out += "? ? ? ?\n";  // keeps the blocks' numbers
        continue;
      }
      for (const auto& [size, cost] : growth->points) {
        out += fmt::format("{:.0f} {}\n", size, fields(cost.value, above_zero(cost)));
      }
    }
  }
  return out;
}

Drawing draw_growth(const Report& report) {
  const GrowthLines lines = growth_lines(report);
  return {
      growth_data(report),
      {title_text(report, "How cost grows"), fmt::format("{} per operation", report.run.unit()),
       words_of(lines.panels,
                [](const auto& p) { return as_word(p.first + " against " + p.second) + " " + as_word(p.second); }),
       names_of(lines.lines), looks_of(report, lines.lines), note_lines(refused_note(report, shallow_depths(report)))}};
}

}  // namespace

extern const Plot plot_growth{"growth", "growth.gp",
                              "Lines of the cost against size, a panel for each operation and quantity", draw_growth};

}  // namespace nslab
