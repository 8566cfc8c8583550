// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document.h"
#include "explanation.h"
#include "report.h"
#include "result.h"
#include "sample.h"
#include "stats.h"

namespace nslab {

/// A cell (benchmark × depth) of two kernels.
struct ComparedCell {
  std::string benchmark;
  int depth = 0;
  std::string obstacle = {};  ///< in words, why there is nothing to compare; empty: there is
  bool is_error = false;      ///< the obstacle is a fault, not a result
  Comparison comparison = {};
};

/// What compare_kernels() shows, by benchmark and depth. Fails as it does.
Result<std::vector<ComparedCell>> compare_cells(const RunRecord& run, const std::vector<Sample>& samples,
                                                const std::string& a, const std::string& b,
                                                const ReportOptions& options);

/// "0.1", from 0 to 1,000; anything else is Exit::user.
Result<double> percent_from(std::string_view text);

/// compare_cells() for a citation: one run, one condition (empty: the run has none).
struct ComparedRun {
  std::string name;
  std::string condition;
  std::vector<ComparedCell> cells;
};

/// In how many cells of each run b costs more than a by more than `percent`, a row for each run. It is shown where the
/// whole interval of the per cent lies above and b costs more after Holm; it is shown not to be where the interval does
/// not reach above. Cells with an obstacle are left out.
Table dearer_table(const std::vector<ComparedRun>& runs, double percent);

/// Two kernels of one run, cell by cell, in the cells (benchmark × depth) that both have. `a` is the baseline: a
/// difference is b − a, so that 'costs more' means that b does. Pairs are boots of one seed; p-values are adjusted by
/// Holm over the cells of the comparison. The reference of `options` plays no part. Fails with Exit::user when a kernel
/// is not in the run, when a and b are the same, or when no cell has samples of both. With `dearer_than`, it
/// is said below the table in which cells b costs more than a by more than so many per cent.
Result<Document> compare_kernels(const RunRecord& run, const std::vector<Sample>& samples, const std::string& a,
                                 const std::string& b, const ReportOptions& options,
                                 std::optional<double> dearer_than = std::nullopt);

/// Of a mail to a kernel list, or a commit message.
inline constexpr int kMailColumns = 72;

/// What reports write beyond ASCII ("±", "−", "…"), in ASCII.
std::string plain_ascii(std::string text);

/// The same for a commit message, or a mail to a kernel list: plain ASCII, at most 72 columns, a table for each depth.
/// Where `explanations` has the functions that make a difference between these two at one depth, it names those whose
/// code is changed. Fails as compare_kernels() does.
Result<std::string> compare_for_mail(const RunRecord& run, const std::vector<Sample>& samples,
                                     const std::vector<Explanation>& explanations, const std::string& a,
                                     const std::string& b, const ReportOptions& options);

}  // namespace nslab
