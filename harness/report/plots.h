// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

#include "report.h"
#include "result.h"

namespace nslab {

/// Draws the report's plots into `folder` (made when missing), each as PNG and SVG, beside the data file that gnuplot
/// read:
///
/// - overhead.{png,svg,dat}, by bars.gp: per cent against the reference, for the two shallowest depths;
/// - depth.{png,svg,dat}, by depth.gp: difference from the origin's depth 0 against depth, a panel for each benchmark;
/// - growth.{png,svg,dat}, by growth.gp: cost against size, both axes logarithmic, a panel for each operation and
///   quantity, for the two shallowest depths.
///
/// A plot without data (one kernel only; one depth only; no curve) is not drawn, and a stale file of its name is
/// removed. Returns the paths of the PNG and SVG files. Fails with Exit::machine when gnuplot is missing or the folder
/// cannot be written, with Exit::bug and gnuplot's own words when it fails.
///
/// `templates_folder` holds the *.gp files (plots/ of the checkout). A template is called as `gnuplot -d -c file.gp
/// ARG1 … ARG9`; each says at its top what the arguments are.
Result<std::vector<std::string>> write_plots(const Report& report, const std::string& folder,
                                             const std::string& templates_folder);

/// The data files, as text; empty when there is nothing to draw. Fields are separated by blanks, '?' is a missing
/// value.
std::string bars_data(const Report& report);
std::string depth_data(const Report& report);
std::string growth_data(const Report& report);

/// What is refused and therefore not drawn, as a line for below a plot; empty when nothing is.
std::string refused_note(const Report& report);

}  // namespace nslab
