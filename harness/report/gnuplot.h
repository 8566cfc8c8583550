// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plot.h"
#include "result.h"

namespace nslab {

/// Draws a template twice, as `stem`.png and `stem`.svg, from `stem`.dat, and returns the pictures' paths. A picture is
/// drawn beside its place and takes it once it is whole, so that none is ever cut short; a drawing without data leaves
/// no file of these names. Exit::machine when gnuplot or the template is missing or a file cannot be written,
/// Exit::bug with gnuplot's own words when it fails.
Result<std::vector<std::string>> run_gnuplot(const std::filesystem::path& template_file,
                                             const std::filesystem::path& stem, const Drawing& drawing);

}  // namespace nslab
