// SPDX-License-Identifier: GPL-2.0
#include "compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "builds.h"
#include "headlines.h"
#include "numbers.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

struct Side {
  SeedValues values;
  int refused = 0;
  std::string refusal;
};

bool is_inconsistent(const Side& side) { return side.refused > 0 && !side.values.by_seed.empty(); }

/// What a side with refused boots did, in words; empty without.
std::string refusal_text(const Side& side, const std::string& name) {
  if (is_inconsistent(side)) {
    return fmt::format("ERROR: {} refused in {} of {} boots", name, side.refused,
                       static_cast<std::size_t>(side.refused) + side.values.by_seed.size());
  }
  return side.refused > 0 ? fmt::format("{} refused ({})", name, side.refusal) : "";
}

std::string mean_text(double value) { return format_number(value, value < 10000 ? 1 : 0); }

Table table_of(const std::vector<ComparedCell>& rows, const std::string& a, const std::string& b, Meter meter,
               const ReportOptions& options) {
  const std::string level = level_text(options.level);
  const std::string missing(kMissing);
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
  for (const ComparedCell& row : rows) {
    const Comparison& c = row.comparison;
    std::vector<std::string> cells = {row.benchmark, fmt::to_string(row.depth)};
    if (!row.obstacle.empty()) {
      cells.insert(cells.end(), 8, missing);
      cells.push_back(row.obstacle);
    } else {
      const int decimals = decimals_for(c, meter);
      cells.insert(cells.end(),
                   {fmt::to_string(c.pairs), mean_text(c.mean_a), mean_text(c.mean_b),
                    format_signed(c.difference, decimals) + (c.exact ? " exact" : ""),
                    c.interval ? interval_text(c.interval, decimals) : missing, c.percent ? percent_text(c) : missing,
                    c.percent_interval ? interval_text(c.percent_interval, 2) : missing,
                    c.p_holm ? p_text(c.p_holm) : missing, verdict_text(c, options.margin_percent, meter)});
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace

Result<std::vector<ComparedCell>> compare_cells(const RunRecord& run, const std::vector<Sample>& boots,
                                                const std::string& a, const std::string& b,
                                                const ReportOptions& options) {
  const std::vector<Sample> samples = over_builds(in_whole_rounds(boots));
  TRY(check_level(options));
  if (a == b) return user_error("'{}' is named twice: name two different kernels.", a);
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
      side.values.add(s, options.statistic);
    }
  }
  for (const std::string& kernel : {a, b}) {
    const auto failure = std::find_if(run.failures.begin(), run.failures.end(),
                                      [&](const BootFailure& boot) { return boot.kernel == kernel; });
    if (!kernels.contains(kernel) && failure != run.failures.end())
      return negative_result("no boot of {} was measured in run {} ({}): {}", kernel, run.id, run.experiment,
                             failure->error);
    if (!kernels.contains(kernel)) {
      return user_error("kernel '{}' is not in run {} ({}); it has: {}.", kernel, run.id, run.experiment,
                        fmt::join(kernels, ", "));
    }
  }
  std::vector<ComparedCell> rows;
  std::vector<Comparison*> family;
  for (const auto& [key, sides] : cells) {
    // A depth at which only one of them was run is no cell of this comparison.
    const auto was_run = [](const Side& side) { return side.refused > 0 || !side.values.by_seed.empty(); };
    if (!was_run(sides.first) || !was_run(sides.second)) continue;
    ComparedCell row{key.first, key.second};
    for (const auto& [side, name] : {std::pair(&sides.first, &a), std::pair(&sides.second, &b)}) {
      const std::string text = refusal_text(*side, *name);
      if (!text.empty()) row.obstacle += (row.obstacle.empty() ? "" : "; ") + text;
      row.is_error = row.is_error || is_inconsistent(*side);
    }
    if (row.obstacle.empty()) {
      row.comparison =
          compare_pairs(pairs_of(sides.first.values, sides.second.values), options.level, options.margin_percent);
      if (row.comparison.pairs == 0) row.obstacle = "no two boots with the same seed";
    }
    rows.push_back(std::move(row));
  }
  const auto floors = control_floors(samples, options.statistic, options.level);
  for (ComparedCell& row : rows) {
    if (!row.obstacle.empty()) continue;
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

namespace {

/// ", condition host"; of samples of two conditions empty, as the sides' names say it.
std::string condition_text(const std::vector<Sample>& samples) {
  const std::string& first = samples.front().condition;
  const bool one = std::all_of(samples.begin(), samples.end(), [&](const Sample& s) { return s.condition == first; });
  return one ? ", condition " + first : "";
}

/// What a kernel answered differently from boot to boot.
Document errors_of(const std::vector<ComparedCell>& rows) {
  Document document;
  for (const ComparedCell& row : rows) {
    if (!row.is_error) continue;
    document.push_back({Block::Kind::error, fmt::format("{} at depth {}: {}. The same kernel answered differently.",
                                                        row.benchmark, row.depth, row.obstacle)});
  }
  return document;
}

// ---- For a mail ----------------------------------------------------------------------------------------------------

Table mail_table(const std::vector<ComparedCell>& rows, int depth, Meter meter) {
  const std::string missing(kMissing);
  Table table;
  table.columns = {{fmt::format("depth {}", depth), "", Align::left}, {"A"}, {"B"}, {"B - A"}, {"+-"}, {"%"}, {""}};
  for (const ComparedCell& row : rows) {
    if (row.depth != depth || !row.obstacle.empty()) continue;
    const Comparison& c = row.comparison;
    const int decimals = decimals_for(c, meter);
    table.rows.push_back({row.benchmark, mean_text(c.mean_a), mean_text(c.mean_b),
                          format_signed(c.difference, decimals),
                          c.exact      ? "exact"
                          : c.interval ? format_number(c.interval->half_width(), decimals)
                                       : missing,
                          c.percent ? format_signed(*c.percent, 2) : missing, mark_of(c.verdict)});
  }
  return table;
}

/// What makes a cell's difference, as a sentence: changed code with its functions, and the largest causes of work that
/// the same code does more or less often. `lines`: of one difference, as explanations_of() orders them.
std::string functions_sentence(const std::vector<Explanation>& lines) {
  constexpr int kMostCauses = 3;
  const Explanation* changed = nullptr;
  std::string functions;
  std::string causes;
  int shown = 0;
  for (const Explanation& line : lines) {
    if (line.part == kPartChanged && line.function.empty()) {
      changed = &line;
    } else if (line.part == kPartChanged) {
      functions += fmt::format("{}{} {}", functions.empty() ? "" : ", ", line.function, difference_text(line));
    } else if (line.part != kPartAll && line.function.empty() && line.decided() && shown < kMostCauses) {
      causes += fmt::format(", {} {}", line.part, difference_text(line));
      ++shown;
    }
  }
  if (changed == nullptr) return "";
  return fmt::format("{} at depth {}: changed code {}{}{}.", lines.front().benchmark, lines.front().depth,
                     difference_text(*changed), functions.empty() ? "" : fmt::format(" ({})", functions), causes);
}

bool has_floor(const std::vector<ComparedCell>& rows) {
  return std::any_of(rows.begin(), rows.end(),
                     [](const ComparedCell& row) { return row.comparison.floor.has_value(); });
}

/// "these 40 cells": how many differences the verdicts are corrected for.
std::string family_text(const std::vector<ComparedCell>& rows) {
  const auto tested =
      std::count_if(rows.begin(), rows.end(), [](const ComparedCell& row) { return row.obstacle.empty(); });
  return tested == 1 ? "one cell" : fmt::format("these {} cells", tested);
}

}  // namespace

Result<double> percent_from(std::string_view text) {
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || end != text.data() + text.size() || !(percent >= 0 && percent <= 1000))
    return user_error("'{}' is no per cent from 0 to 1000, as 0.1", text);
  return percent;
}

namespace {

struct DearerCells {
  std::vector<std::string> yes;
  std::vector<std::string> open;
  std::size_t no = 0;
  std::size_t cheaper = 0;  ///< of those: b costs less
  std::size_t all() const { return yes.size() + open.size() + no; }
};

DearerCells sorted_by(double percent, const std::vector<ComparedCell>& cells) {
  DearerCells sorted;
  for (const ComparedCell& cell : cells) {
    if (!cell.obstacle.empty()) continue;
    const Comparison& c = cell.comparison;
    const std::string name =
        fmt::format("{} at depth {}{}", cell.benchmark, cell.depth,
                    c.percent_interval ? " " + interval_text(c.percent_interval, 2) + " %" : std::string());
    if (c.percent_interval && c.percent_interval->high <= percent) {
      ++sorted.no;
      sorted.cheaper += c.verdict == Verdict::less;
    } else if (c.percent_interval && c.percent_interval->low > percent && c.verdict == Verdict::more) {
      sorted.yes.push_back(name);
    } else {
      sorted.open.push_back(name);
    }
  }
  return sorted;
}

/// The answer for one comparison, in words: which cells are, which may be, and how many are not.
Document dearer_section(const std::vector<ComparedCell>& cells, double percent) {
  const DearerCells sorted = sorted_by(percent, cells);
  Document document = {
      {Block::Kind::heading, fmt::format("Dearer by more than {:.4g} %?", percent)},
      {Block::Kind::paragraph,
       fmt::format(
           "Cells: {}. Shown to be: {} (the whole interval lies above, and the verdict is that it costs more). Not "
           "known: {} (the interval reaches above, or lies above without that verdict, which is corrected for the "
           "number of cells). Shown not to be: {} (each by its own interval), of which cost less: {}.",
           sorted.all(), sorted.yes.size(), sorted.open.size(), sorted.no, sorted.cheaper)}};
  for (const auto& [what, names] : {std::pair("Shown to be", &sorted.yes), {"Not known", &sorted.open}}) {
    if (names->empty()) continue;
    document.push_back({Block::Kind::paragraph, fmt::format("{}:", what)});
    document.push_back({.kind = Block::Kind::bullets, .bullets = *names});
  }
  return document;
}

}  // namespace

Table dearer_table(const std::vector<ComparedRun>& runs, double percent) {
  Table table;
  table.columns = {{"run", "", Align::left},
                   {"cells"},
                   {fmt::format("dearer by more than {:.4g} %", percent)},
                   {"not dearer by more than that"},
                   {"of these cheaper"},
                   {"open"}};
  for (const ComparedRun& run : runs) {
    const DearerCells sorted = sorted_by(percent, run.cells);
    table.rows.push_back(
        {run.condition.empty() ? run.name : run.name + ", " + run.condition, fmt::to_string(sorted.all()),
         sorted.yes.empty() ? "none" : fmt::format("{}", fmt::join(sorted.yes, "\n")), fmt::to_string(sorted.no),
         fmt::to_string(sorted.cheaper), fmt::to_string(sorted.open.size())});
  }
  return table;
}

Result<Document> compare_kernels(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                 const std::string& b, const ReportOptions& options,
                                 std::optional<double> dearer_than) {
  const auto rows = TRY(compare_cells(run, samples, a, b, options));

  Document document = {
      {Block::Kind::title, fmt::format("{} against the baseline {}: {} (run {})", b, a, run.experiment, run.id)}};
  append(document, cautions(run));
  append(document, errors_of(rows));
  const std::string level = level_text(options.level);
  document.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format("The difference is {} − {}, in {} ({}, {}{}). Its interval is Student's {} over pairs "
                           "of boots with one "
                           "seed; that of the per cent is Fieller's.",
                           b, a, quantity_text(run, options.statistic), meter_text(run), profile_text(run.profile),
                           condition_text(samples), level),
       .table = table_of(rows, a, b, run.meter, options)});
  if (dearer_than) append(document, dearer_section(rows, *dearer_than));
  Block footnotes{Block::Kind::bullets};
  footnotes.bullets.push_back(fmt::format(
      "{}, {}: {} costs more, or less, than {} (p < {:.4g}, by Holm's method for {}). equivalent: they are shown to "
      "differ by less than {:.4g} %. undecided: none of these was shown. A table with other cells, as that of 'nslab "
      "report', may decide the same difference otherwise.",
      properties_of(run.meter).more, properties_of(run.meter).less, b, a, 1 - options.level, family_text(rows),
      options.margin_percent));
  footnotes.bullets.push_back(interval_note(options));
  footnotes.bullets.push_back(exact_note());
  if (has_floor(rows)) footnotes.bullets.push_back(floor_text(run.meter));
  footnotes.bullets.emplace_back(properties_of(run.meter).note);
  document.push_back(std::move(footnotes));
  return document;
}

std::string plain_ascii(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {"\u2212", "-"}, {"\u00b1 ", "+-"}, {"\u2013", "-"}, {"\u2500", "-"}, {"\u00d7", "x"}};
  for (const auto& [from, to] : kReplacements) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return text;
}

Result<std::string> compare_for_mail(const RunRecord& run, const std::vector<Sample>& samples,
                                     const std::vector<Explanation>& explanations, const std::string& a,
                                     const std::string& b, const ReportOptions& options) {
  const auto rows = TRY(compare_cells(run, samples, a, b, options));
  Document document = cautions(run);
  append(document, errors_of(rows));
  int pairs = 0;
  std::set<int> depths;
  for (const ComparedCell& row : rows) {
    if (!row.obstacle.empty()) continue;
    pairs = std::max(pairs, row.comparison.pairs);
    depths.insert(row.depth);
  }
  document.push_back(
      {Block::Kind::paragraph,
       fmt::format("{} (B) against {} (A): {}, {}, {}{}, {} of boots. B - A is their difference, with its {} "
                   "interval over pairs of boots with one seed.",
                   b, a, quantity_text(run, options.statistic), meter_text(run), origin_text(run),
                   condition_text(samples), counted(static_cast<std::uint64_t>(pairs), "pair"),
                   level_text(options.level))});
  for (const int depth : depths) {
    document.push_back({.kind = Block::Kind::table, .table = mail_table(rows, depth, run.meter)});
  }
  std::map<std::pair<int, std::string>, std::vector<std::string>> obstacles;
  for (const ComparedCell& row : rows) {
    if (!row.obstacle.empty() && !row.is_error) obstacles[{row.depth, row.obstacle}].push_back(row.benchmark);
  }
  for (const auto& [where, benchmarks] : obstacles) {
    document.push_back({Block::Kind::paragraph,
                        fmt::format("At depth {} {}: {}.", where.first, where.second, fmt::join(benchmarks, ", "))});
  }
  document.push_back(
      {Block::Kind::paragraph,
       fmt::format("> costs more, < less (p < {:.4g}, Holm's method for {}), = shown to differ by less than {:.4g} %, "
                   "? undecided",
                   1 - options.level, family_text(rows), options.margin_percent) +
           (has_floor(rows) ? ". None is decided that is not beyond the floor: the far end of the interval of the "
                              "difference between multi-twin and multi"
                            : "")});
  std::vector<std::string> sentences;
  for (const auto& lines : by_headline(explanations)) {
    const Explanation& whole = lines.front();
    if (whole.kernel != b || whole.baseline != a || whole.depth != whole.baseline_depth) continue;
    if (std::string sentence = functions_sentence(lines); !sentence.empty()) sentences.push_back(std::move(sentence));
  }
  if (!sentences.empty()) {
    document.push_back({Block::Kind::paragraph,
                        "Counted by function, B - A by the mean. Changed code: functions whose machine code differs. "
                        "The rest is why the same code runs more or less often."});
    for (std::string& sentence : sentences) document.push_back({Block::Kind::paragraph, std::move(sentence)});
  }
  // First, as a line may end between '±' and its number.
  for (Block& block : document) {
    block.text = plain_ascii(std::move(block.text));
    for (auto& row : block.table.rows) {
      for (std::string& cell : row) cell = plain_ascii(std::move(cell));
    }
  }
  return plain_ascii(render_text(document, kMailColumns));  // the rules of the tables
}

}  // namespace nslab
