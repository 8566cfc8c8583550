// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "document.h"
#include "paths.h"
#include "report.h"
#include "result.h"

namespace nslab {

/// What a report says of its files: (what it is, where it is).
using Facts = std::vector<std::pair<std::string, std::string>>;

/// Writes tables, plots and page, as many as can be: a missing gnuplot or a full disk keeps none of the others from
/// being written. Adds to `facts` where they are, and returns the first failure.
Result<void> write_report_files(const Report& report, const Document& document, const std::filesystem::path& folder,
                                const Paths& paths, Facts& facts);

}  // namespace nslab
