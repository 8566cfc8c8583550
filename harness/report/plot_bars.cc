// SPDX-License-Identifier: GPL-2.0
// Per cent against the reference, as bars, for the two shallowest depths.
#include <fmt/format.h>

#include <algorithm>

#include "plot.h"
#include "words.h"

namespace nslab {
namespace {

/// Null where there is no difference from the reference in per cent.
const Comparison* difference(const Report& report, const std::string& benchmark, const Series& series) {
  const Cell* cell = find_cell(report, benchmark, series.kernel, series.depth);
  const bool known = cell != nullptr && cell->against_reference && cell->against_reference->percent;
  return known ? &*cell->against_reference : nullptr;
}

std::vector<Series> bar_series(const Report& report) {
  std::vector<Series> series;
  for (const std::string& kernel : report.kernels) {
    for (const int depth : shallow_depths(report)) {
      const bool any = std::any_of(report.benchmarks.begin(), report.benchmarks.end(), [&](const auto& b) {
        return difference(report, b, {kernel, depth}) != nullptr;
      });
      if (any) series.push_back({kernel, depth});
    }
  }
  return series;
}

std::vector<std::string> bar_benchmarks(const Report& report) {
  std::vector<std::string> benchmarks;
  const auto series = bar_series(report);
  for (const std::string& benchmark : report.benchmarks) {
    if (std::any_of(series.begin(), series.end(),
                    [&](const Series& s) { return difference(report, benchmark, s) != nullptr; })) {
      benchmarks.push_back(benchmark);
    }
  }
  return benchmarks;
}

std::string bars_data(const Report& report) {
  const auto series = bar_series(report);
  if (series.empty()) return "";
  std::string out =
      "# per cent against the reference: value, low and high end of the interval, for each series\nbenchmark";
  for (const Series& s : series) out += fmt::format(" \"{}, depth {}\" low high", s.kernel, s.depth);
  out += '\n';
  for (const std::string& benchmark : bar_benchmarks(report)) {
    out += benchmark;
    for (const Series& s : series) {
      const Comparison* c = difference(report, benchmark, s);
      out += " " + (c == nullptr ? "? ? ?" : fields(*c->percent, c->percent_interval));
    }
    out += '\n';
  }
  return out;
}

Drawing draw_bars(const Report& report) {
  const auto series = bar_series(report);
  const auto depths = shallow_depths(report);
  const auto drawn = bar_benchmarks(report);
  std::string undrawn;
  for (const std::string& benchmark : report.benchmarks) {
    if (std::find(drawn.begin(), drawn.end(), benchmark) != drawn.end()) continue;
    undrawn += (undrawn.empty() ? "" : ", ") + benchmark;
  }
  std::string note = refused_note(report, depths);
  if (!undrawn.empty())
    note += fmt::format("{}Not drawn, because {} has no figure to compare with: {}.", note.empty() ? "" : " ",
                        report.reference, undrawn);
  std::size_t unbounded = 0;
  for (const std::string& benchmark : drawn) {
    for (const Series& s : series) {
      const Comparison* c = difference(report, benchmark, s);
      if (c != nullptr && !c->percent_interval) ++unbounded;
    }
  }
  if (unbounded > 0)
    note += fmt::format("{}{} no error bar, as the interval has no bounds: nothing is known of {}.",
                        note.empty() ? "" : " ", unbounded == 1 ? "1 bar has" : fmt::format("{} bars have", unbounded),
                        unbounded == 1 ? "it" : "them");
  const std::string where = report.reference_at_depth_zero ? "at depth 0" : "at the same depth";
  return {bars_data(report),
          {title_text(report, fmt::format("Difference from {} {}", baseline_text(report.reference), where)),
           fmt::format("difference, % of {}", report.reference),
           words_of(series, [&](const Series& s) { return fmt::to_string(number_of(report, s.kernel)); }),
           words_of(series,
                    [&](const Series& s) {
                      return fmt::to_string(std::find(depths.begin(), depths.end(), s.depth) - depths.begin() + 1);
                    }),
           words_of(drawn, as_word), note_lines(note)}};
}

}  // namespace

extern const Plot plot_bars{"overhead", "bars.gp",
                            "Bars of the difference from the reference, in per cent, by benchmark", draw_bars};

}  // namespace nslab
