// SPDX-License-Identifier: GPL-2.0
#include "report_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "table_2007.h"

namespace nslab {
namespace {

constexpr std::string_view missing = "–";

/// Two digits of an uncertainty, but no more decimals than two.
int decimals_of(double uncertainty) {
  if (uncertainty <= 0 || uncertainty >= 10) return 0;
  return uncertainty >= 1 ? 1 : 2;
}

bool is_whole(double value) { return std::abs(value - std::round(value)) < 0.005; }

int decimals_of(double value, const std::optional<Interval>& interval) {
  const double half = interval ? (interval->high - interval->low) / 2 : 0;
  return half > 0 ? decimals_of(half) : is_whole(value) ? 0 : 2;
}

std::string level_text(double level) { return fmt::format("{:.4g} %", 100 * level); }

/// How a verdict is marked in a narrow cell.
std::string_view mark_of(const Comparison& c) {
  switch (c.verdict) {
    case Verdict::slower:
      return " >";
    case Verdict::faster:
      return " <";
    case Verdict::equivalent:
      return " =";
    case Verdict::undecided:
      break;
  }
  return " ?";
}

std::string stacked(const Comparison& c) {
  const std::string percent = percent_text(c);
  return difference_text(c) + "\n" + (percent.empty() ? "" : percent) + std::string(mark_of(c));
}

std::string unmeasured_text(const Cell& cell) {
  if (cell.state == Cell::State::refused) return fmt::format("refused ({})", cell.refusal);
  return fmt::format("ERROR: refused\nin {} of {}", cell.refused_boots, cell.refused_boots + cell.measured_boots);
}

const Cell* find_cell(const View& view, const CellKey& key) {
  const auto found = view.cells.find(key);
  return found == view.cells.end() ? nullptr : &found->second;
}

std::string boots_text(const View& view) {
  int low = 0;
  int high = 0;
  for (const auto& [key, cell] : view.cells) {
    const int boots = cell.measured_boots + cell.refused_boots;
    low = low == 0 ? boots : std::min(low, boots);
    high = std::max(high, boots);
  }
  if (low == high) return fmt::format("{} boot{} a cell", high, high == 1 ? "" : "s");
  return fmt::format("{} to {} boots a cell", low, high);
}

std::string source_text(const Report& report, const View& view) {
  return fmt::format("{} meter, accelerator {}, {}", report.run.meter, report.accelerator, boots_text(view));
}

Table cost_table(const Report& report, const View& view) {
  Table table;
  table.columns.push_back({"benchmark", "", Align::left});
  std::vector<CellKey> columns;
  for (const int depth : report.depths) {
    for (const std::string& kernel : report.kernels) {
      const bool planned = std::any_of(view.cells.begin(), view.cells.end(), [&](const auto& entry) {
        return entry.first.kernel == kernel && entry.first.depth == depth;
      });
      if (!planned) continue;
      columns.push_back({"", kernel, depth});
      table.columns.push_back({kernel, fmt::format("depth {}", depth)});
    }
  }
  for (const std::string& benchmark : report.benchmarks) {
    std::vector<std::string> row = {benchmark};
    for (const CellKey& column : columns) {
      const Cell* cell = find_cell(view, {benchmark, column.kernel, column.depth});
      std::string text(missing);
      if (cell != nullptr) {
        text = cell->state == Cell::State::measured ? estimate_text(cell->value) : unmeasured_text(*cell);
        if (cell->against_reference) text += "\n" + stacked(*cell->against_reference);
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
        std::string text(missing);
        if (cell != nullptr && cell->state != Cell::State::measured) {
          text = unmeasured_text(*cell);
        } else if (cell != nullptr && cell->depth_cost) {
          text = stacked(*cell->depth_cost);
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

std::string effect_sentence(const ContrastAnswer& answer, const Report& report) {
  const Comparison& c = answer.comparison;
  const std::string where = fmt::format("{}, depth {}: ", answer.benchmark, answer.depth);
  const std::string verdict = verdict_text(c, report.options.margin_percent);
  if (c.pairs < 2) return where + "one pair of boots only, undecided.";
  if (c.exact && c.difference == 0) {
    return fmt::format("{}{} and {} cost the same, exactly, in each of {} pairs.", where, answer.contrast.label_a,
                       answer.contrast.label_b, c.pairs);
  }
  const int decimals = decimals_for(c);
  const std::string magnitude = format_number(std::abs(c.difference), decimals);
  const std::string width = c.exact ? "" : " ± " + format_number((c.interval->high - c.interval->low) / 2, decimals);
  std::string percent;
  if (c.percent && !answer.contrast.interaction) {
    percent = " (" + percent_text(c);
    if (c.percent_interval) percent += ", " + interval_text(c.percent_interval, 2);
    percent += ")";
  }
  return fmt::format("{}{} {} {}{}{} {}{} against {}: {}.", where, answer.contrast.label_b,
                     c.difference > 0 ? "costs" : "saves", c.exact ? "exactly " : "", magnitude, width, report.run.unit,
                     percent, answer.contrast.label_a, verdict);
}

void append_answers(Document& document, const Report& report, const View& view) {
  if (view.answers.empty()) return;
  document.push_back(
      {Block::Kind::heading, fmt::format("What each idea costs or saves ({})", name_of(view.statistic))});
  document.push_back(
      {Block::Kind::paragraph,
       fmt::format(
           "In {} per operation with {} intervals, at depth 0 (the initial namespace) and 1 (after unshare); {}. "
           "Verdicts are corrected for all {} comparisons of this section (Holm).",
           report.run.unit, level_text(report.options.level), source_text(report, view), view.answers.size())});
  for (auto first = view.answers.begin(); first != view.answers.end();) {
    const auto last = std::find_if(first, view.answers.end(),
                                   [&](const ContrastAnswer& x) { return x.contrast.name != first->contrast.name; });
    std::array<int, 4> counts{};
    Block list{Block::Kind::bullets};
    for (auto answer = first; answer != last; ++answer) {
      ++counts.at(static_cast<std::size_t>(answer->comparison.verdict));
      list.bullets.push_back(effect_sentence(*answer, report));
    }
    document.push_back(
        {Block::Kind::paragraph,
         fmt::format("{}{} ({} against {}): of {} cells {} slower, {} faster, {} equivalent, {} undecided.",
                     static_cast<char>(std::toupper(static_cast<unsigned char>(first->contrast.name[0]))),
                     first->contrast.name.substr(1), first->contrast.label_b, first->contrast.label_a, last - first,
                     counts[0], counts[1], counts[2], counts[3])});
    document.push_back(std::move(list));
    first = last;
  }
}

/// "10 to 10,000".
std::string sizes_text(const Growth& growth) {
  return format_number(growth.points.front().first, 0) + " to " + format_number(growth.points.back().first, 0);
}

std::string slope_text(const Growth& growth) {
  constexpr int decimals = 3;
  std::string text = format_signed(growth.slope.value, decimals);
  if (growth.slope.exact) {
    text += " exact";
  } else if (growth.slope.interval) {
    text += " ± " + format_number((growth.slope.interval->high - growth.slope.interval->low) / 2, decimals);
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
      texts.push_back(cell == cells.end() ? std::string(missing) : cell->second);
    }
    table.rows.push_back(std::move(texts));
  }
  return table;
}

void append_growth(Document& document, const Report& report, const View& view) {
  if (view.growths.empty()) return;
  document.push_back({Block::Kind::heading, "How cost grows"});
  document.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format(
           "The exponent b in cost = a · size^b ({}; {}): the slope of log(cost) against log(size), ± {} interval over "
           "boots; 0 is no growth, 1 growth in proportion. Below it, by what the cost at the largest size is a "
           "multiple "
           "of that at the smallest. Levels are depth + 1.",
           quantity_text(report.run, view.statistic), source_text(report, view), level_text(report.options.level)),
       .table = growth_table(view)});
}

std::string reference_text(const Report& report) {
  if (!report.reference_at_depth_zero) return fmt::format("{} at the same depth", report.reference);
  return fmt::format("{} at depth 0 (it goes no deeper)", report.reference);
}

void append_view(Document& document, const Report& report, const View& view) {
  const std::string level = level_text(report.options.level);
  const std::string_view meaning = view.statistic == Statistic::mean      ? "work paid for, periodic work included"
                                   : view.statistic == Statistic::minimum ? "the bare path"
                                                                          : "the middle of the repetitions";
  std::string quantity = quantity_text(report.run, view.statistic);
  quantity[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(quantity[0])));
  document.push_back({Block::Kind::heading, fmt::format("{}: {}", quantity, meaning)});
  document.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format("{} ({}), ± {} interval over boots; below it the difference from {}, ± {} interval "
                           "over pairs of boots with one seed, and the same in per cent.",
                           quantity, source_text(report, view), level, reference_text(report), level),
       .table = cost_table(report, view)});
  const Table depths = depth_table(report, view);
  if (!depths.rows.empty()) {
    document.push_back(
        {.kind = Block::Kind::table,
         .text = fmt::format("The cost of depth: difference from depth 0 of the same kernel, {} ({}), ± {} "
                             "interval over pairs of boots with one seed, and the same in per cent.",
                             quantity_text(report.run, view.statistic), source_text(report, view), level),
         .table = depths});
  }
}

std::vector<std::string> notes(const Report& report) {
  std::vector<std::string> out = {
      fmt::format(
          "Marks: > slower, < faster, = equivalent (shown to differ by less than {:.4g} %), ? undecided. Verdicts are "
          "at "
          "{}, corrected by Holm for all cells of a table; a difference can be real and yet too small to matter: "
          "read the per cent. 'exact': the same in every pair of boots.",
          report.options.margin_percent, level_text(report.options.level)),
      fmt::format("{} means not measured. 'refused' is the kernel's answer, and a result.", missing)};
  if (report.has_control) {
    out.emplace_back(
        "The floor: no difference is called slower or faster that does not exceed what multi-twin (the same source in "
        "another "
        "code layout) shows against multi in the same cell.");
  } else {
    out.emplace_back(
        "No negative control (multi and multi-twin) is in this run: how much a mere change of code layout does is not "
        "known here.");
  }
  for (std::string& note : meter_notes(report.run)) out.push_back(std::move(note));
  return out;
}

}  // namespace

int decimals_for(const Comparison& comparison) {
  return decimals_of(comparison.difference, comparison.exact ? std::nullopt : comparison.interval);
}

std::string estimate_text(const Estimate& e) {
  const int decimals = decimals_of(e.value, e.interval);
  std::string text = format_number(e.value, decimals);
  if (e.interval) text += " ± " + format_number((e.interval->high - e.interval->low) / 2, e.exact ? 0 : decimals);
  return text;
}

std::string difference_text(const Comparison& c) {
  const int decimals = decimals_for(c);
  std::string text = format_signed(c.difference, decimals);
  if (c.exact) return text + " exact";
  if (c.interval) text += " ± " + format_number((c.interval->high - c.interval->low) / 2, decimals);
  return text;
}

std::string percent_text(const Comparison& c) { return c.percent ? format_signed(*c.percent, 2) + " %" : ""; }

std::string interval_text(const std::optional<Interval>& interval, int decimals) {
  if (!interval) return "";
  return "[" + format_signed(interval->low, decimals) + ", " + format_signed(interval->high, decimals) + "]";
}

std::string p_text(const std::optional<double>& p) {
  if (!p) return "";
  return *p < 0.0001 ? "<0.0001" : fmt::format("{:.4f}", *p);
}

std::string verdict_text(const Comparison& c, double margin_percent) {
  std::string text(name_of(c.verdict));
  const bool direction = c.verdict == Verdict::slower || c.verdict == Verdict::faster;
  if (direction && c.within_margin) text += fmt::format(" (within {:.4g} %)", margin_percent);
  return text;
}

std::string quantity_text(const RunRecord& run, Statistic statistic) {
  return fmt::format("{} {} per operation", name_of(statistic), run.unit);
}

std::vector<std::string> meter_notes(const RunRecord& run) {
  if (run.meter == "instructions") {
    return {
        "The instructions meter counts what one vCPU executes under QEMU's TCG. It does not see caches, TLBs, branch "
        "prediction, "
        "stalls or other CPUs: fewer instructions need not be less time."};
  }
  return {"The time meter reads the host's clock under KVM: its figures hold for this host, its caches and its load."};
}

Document describe(const Report& report) {
  const RunRecord& run = report.run;
  Document document;
  document.push_back({Block::Kind::title, fmt::format("nslab report: {} (run {})", run.experiment, run.id)});
  for (const std::string& text : report.errors) document.push_back({Block::Kind::error, text});
  for (const std::string& text : report.warnings) document.push_back({Block::Kind::warning, text});
  for (const std::string& text : report.not_of_today)
    document.push_back({Block::Kind::warning, "NOT OF TODAY: " + text});
  document.push_back({.kind = Block::Kind::facts,
                      .facts = {{"meter", fmt::format("{} ({} per operation)", run.meter, run.unit)},
                                {"accelerator", report.accelerator},
                                {"base, profile", fmt::format("{}, {}", run.base, run.profile)},
                                {"boots", fmt::format("{} of {}; {}", run.boots_done, run.boots_planned,
                                                      boots_text(report.views.front()))},
                                {"reference", reference_text(report)},
                                {"started", run.started},
                                {"finished", run.finished.empty() ? "not yet" : run.finished}}});
  if (!report.other_work.empty()) document.back().facts.emplace_back("other work", report.other_work);
  for (Block& block : table_2007(report)) document.push_back(std::move(block));
  for (const View& view : report.views) append_view(document, report, view);
  document.push_back({Block::Kind::heading, "How to read the tables"});
  document.push_back({.kind = Block::Kind::bullets, .bullets = notes(report)});
  append_answers(document, report, report.views.front());
  append_growth(document, report, report.views.front());
  return document;
}

std::string render_text(const Document& document, int columns) {
  std::string out;
  for (const Block& block : document) {
    const std::string text = wrap(block.text, columns);
    switch (block.kind) {
      case Block::Kind::title:
      case Block::Kind::heading: {
        out += text + "\n";
        const int width = columns > 0 ? std::min(columns, display_width(block.text)) : display_width(block.text);
        for (int i = 0; i < width; ++i) out += block.kind == Block::Kind::title ? "=" : "-";
        out += "\n";
        break;
      }
      case Block::Kind::error:
      case Block::Kind::warning:
        out += wrap("*** " + block.text, columns, 4) + "\n";
        break;
      case Block::Kind::paragraph:
        out += text + "\n";
        break;
      case Block::Kind::facts:
        for (const auto& [name, value] : block.facts)
          out += wrap(fmt::format("{:<14}  {}", name, value), columns, 16) + "\n";
        break;
      case Block::Kind::bullets:
        for (const std::string& item : block.bullets) out += wrap("- " + item, columns, 2) + "\n";
        break;
      case Block::Kind::table:
        out += text + "\n";
        for (const Table& part : split(block.table, columns)) out += "\n" + text_table(part);
        break;
    }
    out += "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string render_markdown(const Document& document) {
  constexpr int readable = 160;  // columns of text beyond which a page scrolls sideways
  std::string out;
  for (const Block& block : document) {
    switch (block.kind) {
      case Block::Kind::title:
        out += "# " + block.text + "\n";
        break;
      case Block::Kind::heading:
        out += "## " + block.text + "\n";
        break;
      case Block::Kind::error:
      case Block::Kind::warning:
        out += "> **" + block.text + "**\n";
        break;
      case Block::Kind::paragraph:
        out += block.text + "\n";
        break;
      case Block::Kind::facts:
        for (const auto& [name, value] : block.facts) out += fmt::format("- {}: {}\n", name, value);
        break;
      case Block::Kind::bullets:
        for (const std::string& item : block.bullets) out += "- " + item + "\n";
        break;
      case Block::Kind::table:
        out += block.text + "\n";
        for (const Table& part : split(block.table, readable)) out += "\n" + markdown_table(part);
        break;
    }
    out += "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string render_text(const Report& report, int columns) { return render_text(describe(report), columns); }
std::string render_markdown(const Report& report) { return render_markdown(describe(report)); }

}  // namespace nslab
