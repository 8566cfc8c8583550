// SPDX-License-Identifier: GPL-2.0
// Throughput against vCPUs, in a panel for each operation and place of its workers, for the two shallowest depths.
#include <fmt/format.h>

#include <algorithm>

#include "plot.h"

namespace nslab {
namespace {

struct ScalingLines {
  std::vector<std::string> panels;  ///< series
  std::vector<Series> lines;
};

const Scaling* find_scaling(const Report& report, const std::string& series, const Series& line) {
  for (const Scaling& scaling : shown(report).scalings) {
    if (scaling.series == series && scaling.kernel == line.kernel && scaling.depth == line.depth) return &scaling;
  }
  return nullptr;
}

/// A point alone is no line.
ScalingLines scaling_lines(const Report& report) {
  ScalingLines lines;
  for (const Scaling& scaling : shown(report).scalings) {
    if (scaling.points.size() < 2) continue;
    if (lines.panels.empty() || lines.panels.back() != scaling.series) lines.panels.push_back(scaling.series);
  }
  for (const std::string& kernel : report.kernels) {
    for (const int depth : shallow_depths(report)) {
      const bool any = std::any_of(lines.panels.begin(), lines.panels.end(), [&](const std::string& series) {
        return find_scaling(report, series, {kernel, depth}) != nullptr;
      });
      if (any) lines.lines.push_back({kernel, depth});
    }
  }
  return lines;
}

/// "fork, same": the placement is behind the last underscore.
std::string panel_title(const std::string& series) {
  const auto at = series.rfind('_');
  return at == std::string::npos ? series : series.substr(0, at) + ", " + series.substr(at + 1);
}

std::string scaling_data(const Report& report, const ScalingLines& lines) {
  if (lines.panels.empty()) return "";
  std::string out =
      "# vCPUs, operations per second of all together, low and high end of the interval; a block for each operation "
      "with its place, kernel and depth\n";
  bool first = true;
  for (const std::string& series : lines.panels) {
    for (const Series& line : lines.lines) {
      if (!first) out += "\n\n";
      first = false;
      out += fmt::format("# {} on {}, depth {}\n", series, line.kernel, line.depth);
      const Scaling* const scaling = find_scaling(report, series, line);
      if (scaling == nullptr || scaling->points.empty()) {
        out += "? ? ? ?\n";  // keeps the blocks' numbers
        continue;
      }
      for (const Scaling::Point& point : scaling->points) {
        out += fmt::format("{:.0f} {}\n", point.vcpus, fields(point.throughput.value, point.throughput.interval));
      }
    }
  }
  return out;
}

Drawing draw_scaling(const Report& report) {
  const ScalingLines lines = scaling_lines(report);
  // What is drawn is no cost: its name stands at the axis.
  const std::string title = title_text(report, "");
  return {
      scaling_data(report, lines),
      {"How it scales" + title.substr(title.find('\n')), "operations per second, all vCPUs together",
       words_of(lines.panels, [](const std::string& series) { return as_word(panel_title(series)); }),
       names_of(lines.lines), looks_of(report, lines.lines), note_lines(refused_note(report, shallow_depths(report)))}};
}

}  // namespace

extern const Plot plot_scaling{
    "scaling", "scaling.gp",
    "Lines of the throughput against the number of vCPUs, a panel for each operation and the "
    "place of its workers",
    draw_scaling};

}  // namespace nslab
