// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compare.h"
#include "report.h"
#include "result.h"
#include "table.h"

namespace nslab {

/// What a page quotes from runs, as it asks for it: KIND RUN… KEY=VALUE…
///
/// - cost: the cost, below it the difference from the reference; depth, kernels, benchmarks, statistic;
/// - difference: the difference from the reference; the same keys;
/// - depth: the difference from depth 0 of the same kernel; the same keys;
/// - changed: the difference from a baseline, and how much of it is in changed code; depth, kernels, benchmarks,
///   baseline, baseline_depth (else the same depth);
/// - why: what one difference is made of, by part and function; benchmark, kernel, depth, baseline, baseline_depth;
/// - levels: what one level costs, the difference of a depth from depth 0 by the depth; depth, kernels, benchmarks,
///   conditions;
/// - ideas: the mean effect of an option over all designs that differ in it alone; depth, benchmarks, statistic;
/// - growth: by what the cost at the largest size is a multiple of that at the smallest; quantity, depth, kernels,
///   operations, statistic;
/// - 2007: the rows of 2007, then and today; benchmark;
/// - dearer: in how many cells of each run kernel b costs more than a by more than so many per cent; a, b, percent,
///   conditions;
/// - boots: for each run its boots, and the minutes that they took; no keys;
/// - mail: two kernels as compare_for_mail() shows them; a, b, depths (else all). It is a block of its own kind.
///
/// All take `condition`, the name of one that the run has; without it they show the experiment's first.
///
/// Lists are parted by commas. `depth` of growth is left out for the quantity 'levels'.
struct Citation {
  std::string kind;
  std::vector<std::string> runs;
  std::map<std::string, std::string> keys;
};

/// Exit::user when it is not of that form. What the kind needs is checked by cited_table().
Result<Citation> parse_citation(std::string_view words);

/// The report of a run by its name; it outlives the call.
using ReportOf = std::function<Result<const Report*>(const std::string& run)>;

/// compare_for_mail() for a citation 'mail'.
using MailOf = std::function<Result<std::string>(const Citation&)>;

/// compare_cells() of two kernels of a run under a condition.
using CellsOf = std::function<Result<std::vector<ComparedCell>>(const std::string& run, const std::string& condition,
                                                                const std::string& a, const std::string& b)>;

/// Where the figures come from.
struct CitedRuns {
  ReportOf report;
  MailOf mail;
  CellsOf cells;
};

/// Exit::user when a key is missing or unknown, or when the run has no such figure: no cell is left empty.
Result<Table> cited_table(const Citation& citation, const CitedRuns& runs);

/// The page with each block between `<!-- table: … -->` and `<!-- end of table -->` filled with the table that it asks
/// for, each text between `<!-- figure: … -->` and `<!-- end of figure -->` with the only cell of such a table, and
/// each block between `<!-- mail: … -->` and `<!-- end of mail -->` with a comparison as plain text. What stands there
/// before does not count. Errors are Exit::user and begin with page and line.
Result<std::string> fill_citations(std::string_view text, const std::string& page, const CitedRuns& runs);

}  // namespace nslab
