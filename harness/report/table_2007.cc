// SPDX-License-Identifier: GPL-2.0
#include "table_2007.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "numbers.h"
#include "words.h"

namespace nslab {
namespace {

// What a design is compared with has the design's own lookup.
constexpr std::string_view kReference = "none";  ///< with the IDR; kBareKernel has bitmap and hash

/// A row of the mail of 2007-06-15, and the kernels that stand for it today.
struct Row2007 {
  std::string_view name;
  double nptl;        ///< s
  double nptl_error;  ///< s, 3 sigma
  double getpid;      ///< s; without an error
  std::string_view as_in_2007;
  std::string_view as_today;
  int depth;
};

// getpid: 6m22.695s is 382.695 s.
constexpr std::array<Row2007, 6> kRows = {{
    {"vanilla", 11.72, 0.12, 382.695, "", "", 0},
    {"PID_NS=n", 11.68, 0.14, 382.859, kBareKernel, kReference, 0},
    {"FLAT, init namespace", 11.83, 0.18, 382.795, "flat+cache+hash", "flat+cache", 0},
    {"MULTI, init namespace", 12.01, 0.18, 386.437, "multi+hash", "multi", 0},
    {"FLAT, after unshare", 12.52, 0.15, 382.949, "flat+cache+hash", "flat+cache", 1},
    {"MULTI, after unshare", 12.96, 0.14, 386.782, "multi+hash", "multi", 1},
}};
constexpr const Row2007& kVanilla = kRows[0];
constexpr const Row2007& kWithout = kRows[1];
/// As mainline's PID_NS=n would be with the bitmap and hash; not a row of 2007.
constexpr std::string_view kMainlinesWithHash = "none+hash";

/// What 2007 has no error for is given the difference of two kernels that are one in getpid: vanilla and PID_NS=n.
constexpr double kGetpidError = kWithout.getpid - kVanilla.getpid;

Change nptl_change(const Row2007& row) {
  return quoted_change(row.nptl, row.nptl_error, kWithout.nptl, kWithout.nptl_error);
}

Change getpid_change(const Row2007& row) {
  return {100 * (row.getpid / kWithout.getpid - 1), 100 * kGetpidError / kWithout.getpid};
}

std::string change_text(const Change& change) {
  return fmt::format("{} ± {} %", format_signed(change.percent, 2), format_number(change.error, 2));
}

std::string minutes_text(double seconds) {
  const int minutes = static_cast<int>(seconds / 60);
  return fmt::format("{}m{:.3f}s", minutes, seconds - 60 * minutes);
}

Table quoted_table() {
  Table table;
  table.columns = {{"2007, 2.6.21-rc1-mm1", "", Align::left},
                   {"s", "nptl"},
                   {"from PID_NS=n", "nptl"},
                   {"min, s", "getpid"},
                   {"from PID_NS=n", "getpid"}};
  for (const Row2007& row : kRows) {
    const bool base = &row == &kWithout;
    table.rows.push_back({std::string(row.name), fmt::format("{:.2f} ± {:.2f}", row.nptl, row.nptl_error),
                          base ? "" : change_text(nptl_change(row)), minutes_text(row.getpid),
                          base ? "" : format_signed(getpid_change(row).percent, 2) + " %"});
  }
  return table;
}

const Cell* find_cell(const Report& report, std::string_view benchmark, std::string_view kernel, int depth) {
  const auto& cells = report.views.front().cells;
  const auto found = cells.find({std::string(benchmark), std::string(kernel), depth});
  return found == cells.end() ? nullptr : &found->second;
}

/// What a kernel of today is compared with.
std::string_view baseline_of(std::string_view kernel) { return kernel.ends_with("+hash") ? kBareKernel : kReference; }

std::optional<Comparison> today(const Report& report, std::string_view benchmark, std::string_view kernel, int depth) {
  const Cell* const cell = find_cell(report, benchmark, kernel, depth);
  if (cell == nullptr) return std::nullopt;
  return baseline_of(kernel) == kBareKernel ? cell->against_bare : cell->against_reference;
}

/// The difference's interval in per cent; of no width where it is exact.
std::optional<Interval> percent_interval(const Comparison& c) {
  if (c.percent_interval) return c.percent_interval;
  if (c.exact && c.percent) return Interval{*c.percent, *c.percent};
  return std::nullopt;
}

std::string today_text(const Report& report, std::string_view benchmark, std::string_view kernel, int depth) {
  const Cell* const cell = find_cell(report, benchmark, kernel, depth);
  if (cell == nullptr) return std::string(kMissing);
  if (cell->state == Cell::State::refused) return "refused";
  const std::string_view baseline = baseline_of(kernel);
  if (kernel == baseline) return format_number(cell->value.value, 0);
  if (find_cell(report, benchmark, baseline, 0) == nullptr) return fmt::format("not compared: no {}", baseline);
  const auto c = today(report, benchmark, kernel, depth);
  if (!c || !c->percent) return std::string(kMissing);
  const auto interval = percent_interval(*c);
  return percent_text(*c) + (interval ? " " + interval_text(interval, 2) : "");
}

/// The benchmarks in today's table: those of 2007 first.
std::vector<std::string> benchmarks_of(const Report& report) {
  std::vector<std::string> names = {"nptl", "getpid"};
  for (const std::string& name : report.benchmarks) {
    if (name != names[0] && name != names[1]) names.push_back(name);
  }
  return names;
}

Table todays_table(const Report& report) {
  Table table;
  table.key_columns = 3;
  table.columns = {{"today", "", Align::left}, {"kernel", "", Align::left}, {"against", "", Align::left}};
  const std::vector<std::string> benchmarks = benchmarks_of(report);
  for (const std::string& benchmark : benchmarks) table.columns.push_back({benchmark});
  const auto add = [&](std::string_view name, std::string_view kernel, int depth) {
    const std::string_view baseline = baseline_of(kernel);
    std::vector<std::string> cells = {std::string(name), std::string(kernel),
                                      kernel == baseline ? "" : std::string(baseline)};
    for (const std::string& benchmark : benchmarks) cells.push_back(today_text(report, benchmark, kernel, depth));
    table.rows.push_back(std::move(cells));
  };
  for (const Row2007& row : kRows) {
    if (row.as_today.empty()) continue;
    add(row.name, row.as_in_2007, row.depth);
    if (&row == &kWithout) add("", kMainlinesWithHash, row.depth);
    add("", row.as_today, row.depth);
  }
  return table;
}

std::string agreement_text(const Report& report, const Row2007& row, std::string_view benchmark, const Change& then) {
  const std::string_view seen = std::abs(then.percent) <= then.error ? "no more than its error" : "beyond its error";
  std::string text = fmt::format("{} changed by {} in 2007, {}", benchmark, change_text(then), seen);
  for (const std::string_view kernel : {row.as_in_2007, row.as_today}) {
    text += fmt::format("{} {} {} ({})", kernel == row.as_in_2007 ? "; today" : ",", kernel,
                        today_text(report, benchmark, kernel, row.depth),
                        name_of(agreement(then, today(report, benchmark, kernel, row.depth))));
  }
  return text;
}

}  // namespace

Change quoted_change(double value, double value_error, double base, double base_error) {
  const double ratio = value / base;
  return {100 * (ratio - 1), 100 * ratio * std::hypot(value_error / value, base_error / base)};
}

Agreement agreement(const Change& then, const std::optional<Comparison>& today) {
  if (!today || !today->percent) return Agreement::unknown;
  const auto now = percent_interval(*today);
  if (!now) return Agreement::unknown;
  const bool overlap = now->low <= then.percent + then.error && now->high >= then.percent - then.error;
  if (std::abs(then.percent) <= then.error) return overlap ? Agreement::agrees : Agreement::disagrees;
  const bool same_direction = then.percent > 0 ? now->low > 0 : now->high < 0;
  const bool opposite = then.percent > 0 ? now->high < 0 : now->low > 0;
  if (overlap && !opposite) return Agreement::agrees;
  return same_direction ? Agreement::direction_only : Agreement::disagrees;
}

std::string_view name_of(Agreement agreement) {
  switch (agreement) {
    case Agreement::agrees:
      return "agrees";
    case Agreement::direction_only:
      return "agrees in direction, not in size";
    case Agreement::disagrees:
      return "disagrees";
    case Agreement::unknown:
      break;
  }
  return "not known";
}

Document table_2007(const Report& report) {
  if (report.run.experiment != "2007" || report.reference != kReference || report.views.empty()) return {};
  Document document;
  document.push_back({Block::Kind::heading, "2007 and today"});
  document.push_back(
      {.kind = Block::Kind::table,
       .text =
           "Quoted, not measured here: P. Emelianov, 'Pid namespaces (two models)', containers list, 2007-06-15. The "
           "figures are time on a real machine, with Linux 2.6.21-rc1-mm1; the errors are 3 sigma. nptl is "
           "nptl/perf -s 1000000 -t 1 -r 0 -T --sync-join of glibc 2.5. The per cent are worked out from the "
           "figures, with errors that add in quadrature.",
       .table = quoted_table()});
  document.push_back({.kind = Block::Kind::table,
                      .text = fmt::format(
                          "Today: {}, {} ({}, profile {}). For each row of 2007 there are two kernels: the design "
                          "as it was in 2007, with bitmap and hash, and as it would be now, with the IDR. The first is "
                          "compared with {}, which has the hash as well and looks for no pid namespace, as PID_NS=n of "
                          "2007. The second is compared with {}. The rows of these two are in {} per operation, all "
                          "others in per cent of their baseline, with the {} interval over pairs of boots.",
                          report.run.base, properties_of(report.run.meter).kind,
                          source_text(report, report.views.front()), report.run.profile, baseline_text(kBareKernel),
                          baseline_text(kReference), report.run.unit(), level_text(report.options.level)),
                      .table = todays_table(report)});
  const auto& cells = report.views.front().cells;
  const bool has_bare =
      std::any_of(cells.begin(), cells.end(), [](const auto& entry) { return entry.first.kernel == kBareKernel; });
  if (!has_bare)
    document.push_back({.kind = Block::Kind::paragraph,
                        .text = fmt::format("This run has no {}. What has the hash cannot be compared: mainline's "
                                            "PID_NS=n has the IDR, and the difference would be one of lookups. "
                                            "`nslab run configs/2007.toml` measures it.",
                                            kBareKernel)});
  Block list{Block::Kind::bullets};
  for (const Row2007& row : kRows) {
    if (row.as_today.empty() || &row == &kWithout) continue;
    list.bullets.push_back(fmt::format("{}: {}. {}.", row.name, agreement_text(report, row, "nptl", nptl_change(row)),
                                       agreement_text(report, row, "getpid", getpid_change(row))));
  }
  document.push_back({.kind = Block::Kind::paragraph,
                      .text = "Does today agree with 2007? Two things count: the direction, and the size within both "
                              "errors. 2007 gives getpid no error, so the difference between vanilla and PID_NS=n "
                              "stands for it."});
  document.push_back(std::move(list));
  return document;
}

Table summary_2007(const Report& report, std::string_view benchmark) {
  std::vector<std::string_view> as_in_2007;
  std::vector<std::string_view> as_today;
  for (const Row2007& row : kRows) {
    if (row.depth > 0) {
      as_in_2007.push_back(row.as_in_2007);
      as_today.push_back(row.as_today);
    }
  }
  Table table;
  table.columns = {{std::string(benchmark), "", Align::left},
                   {"2007"},
                   {fmt::format("today, as in 2007: {}; against {}", fmt::join(as_in_2007, ", "), kBareKernel)},
                   {fmt::format("today, as it would be now: {}; against {}", fmt::join(as_today, ", "), kReference)}};
  for (const Row2007& row : kRows) {
    if (row.as_today.empty() || &row == &kWithout) continue;
    table.rows.push_back({std::string(row.name),
                          change_text(benchmark == "nptl" ? nptl_change(row) : getpid_change(row)),
                          today_text(report, benchmark, row.as_in_2007, row.depth),
                          today_text(report, benchmark, row.as_today, row.depth)});
  }
  return table;
}

}  // namespace nslab
