// SPDX-License-Identifier: GPL-2.0
// The difference from the origin's depth 0 against depth, as lines, in a panel for each benchmark.
#include <fmt/format.h>

#include <set>

#include "numbers.h"
#include "plot.h"

namespace nslab {
namespace {

struct Lines {
  std::vector<std::string> benchmarks;
  std::vector<std::string> kernels;
};

bool has_point(const Report& report, const std::string& benchmark, const std::string& kernel, int depth) {
  const Cell* cell = find_cell(report, benchmark, kernel, depth);
  return cell != nullptr && cell->against_origin;
}

Lines depth_lines(const Report& report) {
  Lines lines;
  if (report.depths.size() < 2) return lines;
  std::set<std::string> kernels;
  for (const std::string& benchmark : report.benchmarks) {
    bool any = false;
    for (const std::string& kernel : report.kernels) {
      for (const int depth : report.depths) {
        if (!has_point(report, benchmark, kernel, depth)) continue;
        kernels.insert(kernel);
        any = true;
      }
    }
    if (any) lines.benchmarks.push_back(benchmark);
  }
  for (const std::string& kernel : report.kernels) {
    if (kernels.contains(kernel)) lines.kernels.push_back(kernel);
  }
  return lines;
}

std::string depth_data(const Report& report) {
  const Lines lines = depth_lines(report);
  if (lines.benchmarks.empty()) return "";
  std::string out = fmt::format(
      "# depth, {} beyond the origin's depth 0, low and high end of the interval; a block for each "
      "benchmark and kernel\n",
      report.run.unit());
  bool first = true;
  for (const std::string& benchmark : lines.benchmarks) {
    for (const std::string& kernel : lines.kernels) {
      if (!first) out += "\n\n";
      first = false;
      out += fmt::format("# {} on {}\n", benchmark, kernel);
      bool any = false;
      for (const int depth : report.depths) {
        if (!has_point(report, benchmark, kernel, depth)) continue;
        const Comparison& c = *find_cell(report, benchmark, kernel, depth)->against_origin;
        out += fmt::format("{} {}\n", depth, fields(c.difference, c.interval));
        any = true;
      }
      if (!any) out += "? ? ? ?\n";  // keeps the blocks' numbers
    }
  }
  return out;
}

Drawing draw_depth(const Report& report) {
  const Lines lines = depth_lines(report);
  const auto panel = [&](const std::string& benchmark) {
    const std::string& origin = shown(report).origins.at(benchmark);
    const Cell* cell = find_cell(report, benchmark, origin, 0);
    return as_word(fmt::format("{} (0 = {} at depth 0: {})", benchmark, origin, format_number(cell->value.value, 0)));
  };
  return {depth_data(report),
          {title_text(report, "The cost of depth"), fmt::format("{}, difference", report.run.unit()),
           words_of(lines.benchmarks, panel), words_of(lines.kernels, as_word),
           words_of(lines.kernels, [&](const std::string& k) { return fmt::to_string(number_of(report, k)); }),
           note_lines(refused_note(report, report.depths))}};
}

}  // namespace

extern const Plot plot_depth{"depth", "depth.gp", "Lines of the cost against depth, a panel for each benchmark",
                             draw_depth};

}  // namespace nslab
