// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "plot.h"
#include "report.h"
#include "result.h"

namespace nslab {

/// Every plot that a report has, in the order in which a page shows them.
std::span<const Plot> all_plots();

/// Draws all_plots() into `folder` (made when missing), each as PNG and SVG, beside the data file that gnuplot read.
///
/// A plot without data (one kernel only; one depth only; no curve) is not drawn, and a stale file of its name is
/// removed. Returns the paths of the PNG and SVG files. Fails with Exit::machine when gnuplot is missing or the folder
/// cannot be written, with Exit::bug and gnuplot's own words when it fails; pictures of an earlier report then stay.
///
/// `templates_folder` holds the *.gp files (plots/ of the checkout). A template is called as `gnuplot -d -c file.gp
/// ARG1 … ARG9`.
Result<std::vector<std::string>> write_plots(const Report& report, const std::string& folder,
                                             const std::string& templates_folder);

}  // namespace nslab
