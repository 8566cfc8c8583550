// SPDX-License-Identifier: GPL-2.0
#include "plots.h"

#include <filesystem>

#include "files.h"
#include "gnuplot.h"

// To add a plot is to add its template in plots/, plot_NAME.cc, and its line here.
#define NSLAB_FOR_EACH_PLOT(plot) plot(bars) plot(depth) plot(growth) plot(scaling) plot(versions)

namespace nslab {
namespace fs = std::filesystem;

#define NSLAB_DECLARE_PLOT(name) extern const Plot plot_##name;
NSLAB_FOR_EACH_PLOT(NSLAB_DECLARE_PLOT)

std::span<const Plot> all_plots() {
#define NSLAB_LIST_PLOT(name) plot_##name,
  static const Plot plots[] = {NSLAB_FOR_EACH_PLOT(NSLAB_LIST_PLOT)};
  return plots;
}

Result<std::vector<std::string>> write_plots(const Report& report, const std::string& folder,
                                             const std::string& templates_folder) {
  TRY(make_folders(folder));
  std::vector<std::string> paths;
  for (const Plot& plot : all_plots()) {
    Drawing drawing = plot.draw(report);
    const auto marks = marks_of(report.run);
    if (!marks.empty() && !drawing.data.empty()) drawing.data.insert(0, fmt::format("# {}\n", fmt::join(marks, "; ")));
    const auto drawn =
        TRY(run_gnuplot(fs::path(templates_folder) / plot.template_file, fs::path(folder) / plot.name, drawing));
    paths.insert(paths.end(), drawn.begin(), drawn.end());
  }
  return paths;
}

}  // namespace nslab
