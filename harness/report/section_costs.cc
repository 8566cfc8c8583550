// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>

#include "numbers.h"
#include "sections.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

std::string stacked(const Comparison& c, Meter meter) {
  const std::string percent = percent_text(c);
  return difference_text(c, meter) + "\n" + (percent.empty() ? "" : percent) + " " + mark_of(c.verdict);
}

std::string unmeasured_text(const Cell& cell) {
  if (cell.state == Cell::State::refused) return fmt::format("refused ({})", cell.refusal);
  return fmt::format("ERROR: refused\nin {} of {}", cell.refused_boots, cell.refused_boots + cell.measured_boots);
}

const Cell* find_cell(const View& view, const CellKey& key) {
  const auto found = view.cells.find(key);
  return found == view.cells.end() ? nullptr : &found->second;
}

Table cost_table(const Report& report, const View& view) {
  Table table;
  table.columns.push_back({"benchmark", "", Align::left});
  std::vector<CellKey> columns;
  std::vector<std::string> kernels = report.kernels;
  for (const CellKey& key : report.failed) {
    if (std::find(kernels.begin(), kernels.end(), key.kernel) == kernels.end()) kernels.push_back(key.kernel);
  }
  for (const int depth : report.depths) {
    for (const std::string& kernel : kernels) {
      const auto here = [&](const CellKey& key) { return key.kernel == kernel && key.depth == depth; };
      const bool planned =
          std::any_of(view.cells.begin(), view.cells.end(), [&](const auto& entry) { return here(entry.first); }) ||
          std::any_of(report.failed.begin(), report.failed.end(), here);
      if (!planned) continue;
      columns.push_back({"", kernel, depth});
      table.columns.push_back({kernel, fmt::format("depth {}", depth)});
    }
  }
  for (const std::string& benchmark : report.benchmarks) {
    std::vector<std::string> row = {benchmark};
    for (const CellKey& column : columns) {
      const CellKey key{benchmark, column.kernel, column.depth};
      const Cell* cell = find_cell(view, key);
      std::string text(report.failed.contains(key) ? "failed" : kMissing);
      if (cell != nullptr) {
        text = cell->state == Cell::State::measured ? estimate_text(cell->value, report.run.meter)
                                                    : unmeasured_text(*cell);
        if (cell->against_reference) text += "\n" + stacked(*cell->against_reference, report.run.meter);
      }
      row.push_back(text);
    }
    table.rows.push_back(row);
  }
  return table;
}

Table depth_table(const Report& report, const View& view) {
  Table table;
  table.key_columns = 2;
  table.columns = {{"benchmark", "", Align::left}, {"kernel", "", Align::left}};
  std::vector<int> depths;
  for (const int depth : report.depths) {
    if (depth == 0) continue;
    depths.push_back(depth);
    table.columns.push_back({fmt::format("depth {}", depth)});
  }
  for (const std::string& benchmark : report.benchmarks) {
    bool first = true;
    for (const std::string& kernel : report.kernels) {
      std::vector<std::string> row = {first ? benchmark : "", kernel};
      bool anything = false;
      for (const int depth : depths) {
        const Cell* cell = find_cell(view, {benchmark, kernel, depth});
        std::string text(kMissing);
        if (cell != nullptr && cell->state != Cell::State::measured) {
          text = unmeasured_text(*cell);
        } else if (cell != nullptr && cell->depth_cost) {
          text = stacked(*cell->depth_cost, report.run.meter);
          anything = true;
        }
        row.push_back(text);
      }
      if (!anything) continue;  // a kernel that goes nowhere has no cost of depth
      table.rows.push_back(row);
      first = false;
    }
  }
  return table;
}

/// Stands at each table with marks.
std::string legend(const Report& report) {
  return fmt::format(
      "> {}, < {}, = equivalent (shown to differ by less than {:.4g} %), ? undecided. The verdict goes "
      "by the difference in the line above, and not by the per cent alone. It is corrected for the number of cells "
      "(Holm){}: so a difference whose ± leaves out 0 can be undecided. 'nslab compare' shows the interval of the per "
      "cent, and p.",
      properties_of(report.run.meter).more, properties_of(report.run.meter).less, report.options.margin_percent,
      report.has_control ? ", and takes a difference beyond the floor, which is the far end of the interval of the "
                           "one between multi and multi-twin in the same benchmark at the same depth"
                         : "");
}

/// "5 boots at 39,591 to 39,727".
std::string group_text(const Group& group, Meter meter) {
  const auto number = [&](double value) {
    return format_number(value, value < 1000 ? properties_of(meter).decimals : 0);
  };
  std::string text = fmt::format("{} at {}", counted(group.count, "boot"), number(group.low));
  if (number(group.low) != number(group.high)) text += " to " + number(group.high);
  return text;
}

/// Of which benchmarks the boots fall into few groups, those whose groups lie farthest apart first, each with the cell
/// that shows it best.
Document groups_note(const Report& report, const View& view) {
  constexpr std::size_t named = 5;
  struct Grouped {
    std::string benchmark;
    int grouped = 0;
    int cells = 0;
    const CellKey* example = nullptr;
    double spread = 0;  ///< the range of the example's values, as a part of their mean
  };
  std::vector<Grouped> all;
  for (const std::string& benchmark : report.benchmarks) {
    Grouped g{benchmark};
    for (const auto& [key, cell] : view.cells) {
      if (key.benchmark != benchmark || cell.state != Cell::State::measured) continue;
      ++g.cells;
      if (cell.groups.empty()) continue;
      ++g.grouped;
      const double spread = (cell.groups.back().high - cell.groups.front().low) / cell.value.value;
      if (g.example == nullptr || spread > g.spread) {
        g.example = &key;
        g.spread = spread;
      }
    }
    if (g.grouped > 0) all.push_back(g);
  }
  if (all.empty()) return {};
  std::stable_sort(all.begin(), all.end(), [](const Grouped& a, const Grouped& b) { return a.spread > b.spread; });
  Block list{Block::Kind::bullets};
  for (std::size_t i = 0; i < std::min(named, all.size()); ++i) {
    const Grouped& g = all[i];
    std::string groups;
    for (const Group& group : view.cells.at(*g.example).groups) {
      groups += (groups.empty() ? "" : ", ") + group_text(group, report.run.meter);
    }
    list.bullets.push_back(fmt::format("{}, in {} of {} cells, as on {} at depth {}: {}.", g.benchmark, g.grouped,
                                       g.cells, g.example->kernel, g.example->depth, groups));
  }
  if (all.size() > named) {
    list.bullets.push_back(
        fmt::format("{}, whose groups lie closer together.", counted(all.size() - named, "more benchmark")));
  }
  return {
      {Block::Kind::paragraph,
       fmt::format("In some cells the boots fall into a few distinct groups by their {}. The seed decides into which. "
                   "The figure of such a cell lies between the groups, where no boot is, and its interval depends "
                   "on how many boots are in each (docs/reading-a-report.md has the rule):",
                   name_of(view.statistic))},
      std::move(list)};
}

std::string_view meaning_of(Statistic statistic) {
  switch (statistic) {
    case Statistic::mean:
      return "work paid for, periodic work included";
    case Statistic::minimum:
      return "the bare path";
    case Statistic::median:
      break;
  }
  return "the middle of the repetitions";
}

}  // namespace

Document costs_section(const Report& report, const View& view) {
  const std::string level = level_text(report.options.level);
  const std::string source = source_text(report, view);
  const std::string quantity = quantity_text(report.run, view.statistic);
  Document section = {{Block::Kind::heading, fmt::format("{}: {}", capitalized(quantity), meaning_of(view.statistic))}};
  const std::string differences =
      report.kernels.size() < 2 && report.failed.empty()
          ? ""
          : fmt::format(
                " The second is the difference from {}, ± the {} interval over pairs of boots with one seed. The "
                "third is the same difference in per cent, with the mark of the verdict: {}",
                reference_text(report), level, legend(report));
  section.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format("{} ({}). The first line of a cell is its cost, ± the {} interval over boots.{}",
                           capitalized(quantity), source, level, differences),
       .table = cost_table(report, view)});
  append(section, groups_note(report, view));
  const Table depths = depth_table(report, view);
  if (!depths.rows.empty()) {
    section.push_back(
        {.kind = Block::Kind::table,
         .text = fmt::format("The cost of depth: the difference from depth 0 of the same kernel, in {} ({}), ± the {} "
                             "interval over pairs of boots with one seed. Below it is the same difference in per cent, "
                             "with the mark of the verdict: {}",
                             quantity, source, level, legend(report)),
         .table = depths});
  }
  return section;
}

Document reading_section(const Report& report) {
  Block notes{Block::Kind::bullets};
  notes.bullets = {
      fmt::format(
          "The marks are the verdicts: > {}, < {}, = equivalent (shown to differ by less than {:.4g} %), "
          "? undecided. They are at {}, corrected for all cells of a table (Holm). So the same difference may be "
          "decided in one table and undecided in another, which has more cells.",
          properties_of(report.run.meter).more, properties_of(report.run.meter).less, report.options.margin_percent,
          level_text(report.options.level)),
      interval_note(report.options), "A difference can be real and yet too small to matter: read the per cent.",
      exact_note(), fmt::format("{} means not measured. 'refused' is the kernel's answer, and a result.", kMissing)};
  notes.bullets.push_back(report.has_control
                              ? floor_text(report.run.meter)
                              : "This run has no negative control (multi and multi-twin), so it does not show how much "
                                "a mere change of code layout does.");
  notes.bullets.emplace_back(properties_of(report.run.meter).note);
  return {{Block::Kind::heading, "How to read the tables"}, std::move(notes)};
}

}  // namespace nslab
