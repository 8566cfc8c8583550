// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

#include "report.h"
#include "report_document.h"

namespace nslab {

/// Two kernels of one run, cell by cell: what b costs beyond a (so 'slower' means that b is), in cells (benchmark ×
/// depth) that both have. Pairs are boots of one seed; p-values are adjusted by Holm over the cells of the comparison.
/// The reference of `options` plays no part. Fails with Exit::user when a kernel is not in the run, when a and b are
/// the same, or when no cell has samples of both.
Result<Document> compare_kernels(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                 const std::string& b, const ReportOptions& options);

/// compare_kernels() for a terminal of so many columns (0: no limit).
Result<std::string> compare_text(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                 const std::string& b, const ReportOptions& options, int columns);
Result<std::string> compare_markdown(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                     const std::string& b, const ReportOptions& options);

/// Whether samples of two runs may meet in one comparison: same meter, unit, accelerator, base and profile. Fails with
/// Exit::user and both values where they differ. For one run (given twice): that its meter and unit belong together.
Result<void> comparable(const RunRecord& one, const RunRecord& other);

}  // namespace nslab
