// SPDX-License-Identifier: GPL-2.0
// The difference from the reference, kernel by kernel in the experiment's order, as lines over versions, in a panel for
// each benchmark. For kernels that are given: those of the lab are designs, and have no order.
#include <fmt/format.h>

#include <algorithm>

#include "experiment.h"
#include "plot.h"
#include "words.h"

namespace nslab {
namespace {

constexpr std::size_t kFewest = 3;  // two are a difference, and no line

/// "6.12.117" of "debian:6.12.117", and the revision of "tree:DIR@REV".
std::string version_of(const std::string& kernel) {
  const auto comma = kernel.find(',');
  const std::string name = kernel.substr(0, comma);
  const auto begin = name.find_last_of(":@/");
  return begin == std::string::npos ? name : name.substr(begin + 1);
}

/// The report's kernels in the order of the experiment; a report has them by name.
std::vector<std::string> kernels_in_order(const Report& report) {
  const auto experiment = experiment_of(report.run);
  if (!experiment) return report.kernels;
  std::vector<std::string> kernels = experiment->kernels();
  std::erase_if(kernels, [&](const std::string& kernel) {
    return std::find(report.kernels.begin(), report.kernels.end(), kernel) == report.kernels.end();
  });
  return kernels;
}

const Comparison* difference_of(const Report& report, const std::string& benchmark, const std::string& kernel,
                                int depth) {
  const Cell* const cell = find_cell(report, benchmark, kernel, depth);
  return cell != nullptr && cell->against_reference ? &*cell->against_reference : nullptr;
}

struct VersionLines {
  std::vector<std::string> benchmarks;
  std::vector<int> depths;
};

VersionLines version_lines(const Report& report) {
  VersionLines lines;
  if (report.run.base != kAsGiven || report.kernels.size() < kFewest) return lines;
  for (const std::string& benchmark : report.benchmarks) {
    std::size_t points = 0;
    for (const std::string& kernel : report.kernels)
      points += difference_of(report, benchmark, kernel, report.depths.front()) != nullptr ? 1 : 0;
    if (points > 1) lines.benchmarks.push_back(benchmark);
  }
  if (!lines.benchmarks.empty()) lines.depths = shallow_depths(report);
  return lines;
}

std::string versions_data(const Report& report) {
  const VersionLines lines = version_lines(report);
  if (lines.benchmarks.empty()) return "";
  std::string out = fmt::format(
      "# number, {} beyond {} at the same depth, low and high end of the interval, version; a block for each benchmark "
      "and depth\n",
      report.run.unit(), report.reference);
  bool first = true;
  for (const std::string& benchmark : lines.benchmarks) {
    for (const int depth : lines.depths) {
      if (!first) out += "\n\n";
      first = false;
      out += fmt::format("# {} at depth {}\n", benchmark, depth);
      std::size_t number = 0;
      for (const std::string& kernel : kernels_in_order(report)) {
        const Comparison* const c = difference_of(report, benchmark, kernel, depth);
        std::string point = kernel == report.reference ? "0 0 0" : "? ? ?";
        if (c != nullptr) point = fields(c->difference, c->interval);
        out += fmt::format("{} {} {}\n", ++number, point, as_word(version_of(kernel)));
      }
    }
  }
  return out;
}

Drawing draw_versions(const Report& report) {
  const VersionLines lines = version_lines(report);
  const auto number = [&](int depth) { return std::string(depth == report.depths.front() ? "2" : "3"); };
  return {versions_data(report),
          {title_text(report, "Kernel by kernel"),
           fmt::format("{}, difference from {}", report.run.unit(), version_of(report.reference)),
           words_of(lines.benchmarks, as_word),
           words_of(lines.depths, [](int depth) { return as_word(fmt::format("depth {}", depth)); }),
           words_of(lines.depths, number), note_lines(refused_note(report, lines.depths))}};
}

}  // namespace

extern const Plot plot_versions{"versions", "versions.gp",
                                "Lines of the difference from the first kernel, kernel by kernel, a panel for each "
                                "benchmark",
                                draw_versions};

}  // namespace nslab
