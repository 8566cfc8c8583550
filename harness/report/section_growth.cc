// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "numbers.h"
#include "sections.h"
#include "words.h"

namespace nslab {
namespace {

/// "10 to 10,000".
std::string sizes_text(const Growth& growth) {
  return format_number(growth.points.front().first, 0) + " to " + format_number(growth.points.back().first, 0);
}

std::string slope_text(const Growth& growth) {
  const Estimate& slope = growth.slope;
  const double width = slope.interval && !slope.exact ? slope.interval->half_width() : 0;
  const int decimals = decimals_that_show(slope.exact ? slope.value : width, 3);
  std::string text = format_signed(slope.value, decimals);
  if (slope.exact) {
    text += " exact";
  } else if (slope.interval) {
    text += " ± " + format_number(width, decimals);
  }
  const double ratio = growth.points.back().second.value / growth.points.front().second.value;
  return text + "\n× " + format_number(ratio, ratio < 10 ? 2 : 0);
}

Table growth_table(const View& view) {
  // A row for each curve with the same sizes, a column for each kernel and depth.
  std::vector<std::tuple<std::string, std::string, std::string>> rows;
  std::vector<std::pair<std::string, std::optional<int>>> columns;
  std::map<std::pair<std::size_t, std::size_t>, std::string> cells;
  const auto place = [](auto& list, const auto& item) {
    const auto found = std::find(list.begin(), list.end(), item);
    if (found != list.end()) return static_cast<std::size_t>(found - list.begin());
    list.push_back(item);
    return list.size() - 1;
  };
  for (const Growth& growth : view.growths) {
    const std::size_t row = place(rows, std::tuple(growth.series, growth.quantity, sizes_text(growth)));
    const std::size_t column = place(columns, std::pair(growth.kernel, growth.depth));
    cells[{row, column}] = slope_text(growth);
  }
  Table table;
  table.key_columns = 3;
  table.columns = {{"operation", "", Align::left}, {"against", "", Align::left}, {"sizes", "", Align::left}};
  for (const auto& [kernel, depth] : columns) {
    table.columns.push_back({kernel, depth ? fmt::format("depth {}", *depth) : "all depths"});
  }
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto& [series, quantity, sizes] = rows[row];
    std::vector<std::string> texts = {series, quantity, sizes};
    for (std::size_t column = 0; column < columns.size(); ++column) {
      const auto cell = cells.find({row, column});
      texts.push_back(cell == cells.end() ? std::string(kMissing) : cell->second);
    }
    table.rows.push_back(std::move(texts));
  }
  return table;
}

}  // namespace

Document growth_section(const Report& report, const View& view) {
  if (view.growths.empty()) return {};
  return {
      {Block::Kind::heading, "How cost grows"},
      {.kind = Block::Kind::table,
       .text = fmt::format(
           "The exponent b in cost = a · size^b ({}; {}): the slope of log(cost) against log(size), ± the {} interval "
           "over boots. 0 is no growth, and 1 is growth in proportion. Below it is the cost at the largest size as a "
           "multiple of the cost at the smallest. The number of levels is depth + 1.",
           quantity_text(report.run, view.statistic), source_text(report, view), level_text(report.options.level)),
       .table = growth_table(view)}};
}

}  // namespace nslab
