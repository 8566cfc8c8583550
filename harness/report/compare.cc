// SPDX-License-Identifier: GPL-2.0
#include "compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace nslab {
namespace {

struct Row {
  std::string benchmark;
  int depth = 0;
  std::string state;  ///< in words, where there is nothing to compare
  Comparison comparison;
};

struct Side {
  std::vector<std::pair<std::uint64_t, double>> values;
  int refused = 0;
  std::string refusal;
};

/// Why two sides cannot be compared, or nothing.
std::string obstacle(const Side& a, const Side& b, const std::string& name_a, const std::string& name_b) {
  std::string text;
  for (const auto& [side, name] : {std::pair(&a, &name_a), std::pair(&b, &name_b)}) {
    const std::string separator = text.empty() ? "" : "; ";
    if (side->refused > 0 && !side->values.empty()) {
      text += fmt::format("{}ERROR: {} refused in {} of {} boots", separator, *name, side->refused,
                          side->refused + static_cast<int>(side->values.size()));
    } else if (side->refused > 0) {
      text += fmt::format("{}{} refused ({})", separator, *name, side->refusal);
    }
  }
  return text;
}

std::string mean_text(double value) { return format_number(value, value < 10000 ? 1 : 0); }

Table table_of(const std::vector<Row>& rows, const std::string& a, const std::string& b, const ReportOptions& options) {
  const std::string level = fmt::format("{:.4g} %", 100 * options.level);
  Table table;
  table.key_columns = 2;
  table.columns = {{"benchmark", "", Align::left},
                   {"depth"},
                   {"pairs"},
                   {a},
                   {b},
                   {"difference"},
                   {level},
                   {"per cent"},
                   {level},
                   {"p (Holm)"},
                   {"verdict", "", Align::left}};
  for (const Row& row : rows) {
    const Comparison& c = row.comparison;
    std::vector<std::string> cells = {row.benchmark, fmt::to_string(row.depth)};
    if (!row.state.empty()) {
      cells.insert(cells.end(), {"–", "–", "–", "–", "–", "–", "–", "–", row.state});
    } else {
      const int decimals = decimals_for(c);
      cells.insert(cells.end(),
                   {fmt::to_string(c.pairs), mean_text(c.mean_a), mean_text(c.mean_b),
                    format_signed(c.difference, decimals) + (c.exact ? " exact" : ""),
                    c.interval ? interval_text(c.interval, decimals) : "–", c.percent ? percent_text(c) : "–",
                    c.percent_interval ? interval_text(c.percent_interval, 2) : "–", c.p_holm ? p_text(c.p_holm) : "–",
                    verdict_text(c, options.margin_percent)});
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Result<std::vector<Row>> rows_of(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                 const std::string& b, const ReportOptions& options) {
  std::map<std::pair<std::string, int>, std::pair<Side, Side>> cells;
  std::set<std::string> kernels;
  for (const Sample& s : samples) {
    kernels.insert(s.kernel);
    if (s.kernel != a && s.kernel != b) continue;
    auto& sides = cells[{s.benchmark, s.depth}];
    Side& side = s.kernel == a ? sides.first : sides.second;
    if (s.status == CellStatus::refused) {
      ++side.refused;
      side.refusal = s.refusal;
    } else {
      side.values.emplace_back(s.seed, value_of(s, options.statistic));
    }
  }
  for (const std::string& kernel : {a, b}) {
    if (!kernels.contains(kernel)) {
      return user_error("kernel '{}' is not in run {} ({}); it has: {}.", kernel, run.id, run.experiment,
                        fmt::join(kernels, ", "));
    }
  }
  std::vector<Row> rows;
  std::vector<Comparison*> family;
  for (const auto& [key, sides] : cells) {
    // A depth at which only one of them was run is no cell of this comparison.
    const auto was_run = [](const Side& side) { return side.refused > 0 || !side.values.empty(); };
    if (!was_run(sides.first) || !was_run(sides.second)) continue;
    Row row{key.first, key.second, obstacle(sides.first, sides.second, a, b), {}};
    if (row.state.empty()) {
      row.comparison =
          compare_pairs(pair_by_seed(sides.first.values, sides.second.values), options.level, options.margin_percent);
      if (row.comparison.pairs == 0) row.state = "no two boots with the same seed";
    }
    rows.push_back(std::move(row));
  }
  const auto floors = control_floors(samples, options.statistic, options.level);
  for (Row& row : rows) {
    if (!row.state.empty()) continue;
    const auto floor = floors.find({row.benchmark, row.depth});
    if (floor != floors.end() && !is_control(a) && !is_control(b)) row.comparison.floor = floor->second;
    family.push_back(&row.comparison);
  }
  if (family.empty()) {
    return user_error(
        "{} and {} have no cell in run {} that both measured with the same seed: there is nothing to compare.", a, b,
        run.id);
  }
  judge(family, options.level);
  return rows;
}

}  // namespace

Result<void> comparable(const RunRecord& one, const RunRecord& other) {
  for (const RunRecord* run : {&one, &other}) {
    const std::string_view unit = run->meter == "instructions" ? "instructions" : run->meter == "time" ? "ns" : "";
    if (unit.empty() || run->unit != unit) {
      return user_error(
          "run {} says meter '{}' with unit '{}': nslab knows instructions (instructions) and time (ns). Was the store "
          "written by another version?",
          run->id, run->meter, run->unit);
    }
  }
  const std::string accelerators[2] = {accelerator_of(one), accelerator_of(other)};
  const std::pair<std::string_view, std::pair<std::string_view, std::string_view>> properties[] = {
      {"meter", {one.meter, other.meter}},
      {"accelerator", {accelerators[0], accelerators[1]}},
      {"base", {one.base, other.base}},
      {"profile", {one.profile, other.profile}}};
  for (const auto& [name, values] : properties) {
    if (values.first != values.second) {
      return user_error("runs {} and {} cannot be compared: their {}s differ ({} and {}).", one.id, other.id, name,
                        values.first, values.second);
    }
  }
  return {};
}

Result<Document> compare_kernels(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                 const std::string& b, const ReportOptions& options) {
  TRY(comparable(run, run));
  if (!(options.level > 0 && options.level < 1)) {
    return user_error("the interval level must lie between 0 and 1, as 0.95; it is {}.", options.level);
  }
  if (a == b) return user_error("'{}' against itself: name two different kernels.", a);
  auto rows = TRY(rows_of(run, samples, a, b, options));

  Document document;
  document.push_back({Block::Kind::title, fmt::format("{} against {}: {} (run {})", b, a, run.experiment, run.id)});
  if (run.profile == "mini") document.push_back({Block::Kind::warning, "PROFILE mini: NOT FOR MEASUREMENT."});
  if (run.boots_done < run.boots_planned) {
    document.push_back({Block::Kind::warning, fmt::format("INCOMPLETE: {} of {} boots are missing.",
                                                          run.boots_planned - run.boots_done, run.boots_planned)});
  }
  for (const Row& row : rows) {
    if (row.state.find("ERROR") != std::string::npos) {
      document.push_back({Block::Kind::error, fmt::format("{} at depth {}: {}. The same kernel answered differently.",
                                                          row.benchmark, row.depth, row.state)});
    }
  }
  document.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format(
           "{} − {}, {} ({} meter, accelerator {}, profile {}); {:.4g} % Student intervals over pairs of boots "
           "with one seed; per cent after Fieller.",
           b, a, quantity_text(run, options.statistic), run.meter, accelerator_of(run), run.profile,
           100 * options.level),
       .table = table_of(rows, a, b, options)});
  Block footnotes{Block::Kind::bullets};
  footnotes.bullets.push_back(fmt::format(
      "slower, faster: {} costs more or less (Holm-adjusted p < {:.4g}); equivalent: shown to differ by less than "
      "{:.4g} %; undecided: neither was shown.",
      b, 1 - options.level, options.margin_percent));
  const bool floored =
      std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.comparison.floor.has_value(); });
  if (floored) {
    footnotes.bullets.emplace_back(
        "The floor: no difference is called slower or faster that does not exceed what multi-twin shows against multi "
        "in the "
        "same cell.");
  }
  for (std::string& note : meter_notes(run)) footnotes.bullets.push_back(std::move(note));
  document.push_back(std::move(footnotes));
  return document;
}

Result<std::string> compare_text(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                 const std::string& b, const ReportOptions& options, int columns) {
  const auto document = TRY(compare_kernels(run, samples, a, b, options));
  return render_text(document, columns);
}

Result<std::string> compare_markdown(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                     const std::string& b, const ReportOptions& options) {
  const auto document = TRY(compare_kernels(run, samples, a, b, options));
  return render_markdown(document);
}

}  // namespace nslab
