// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report.h"
#include "table.h"

namespace nslab {

/// A report or a comparison in words and tables, before it takes the form of a terminal, of Markdown or of HTML.
struct Block {
  enum class Kind { title, heading, paragraph, error, warning, facts, bullets, table };
  Kind kind = Kind::paragraph;
  std::string text = {};  ///< of all but facts, bullets and table; a table's caption
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< name and value
  std::vector<std::string> bullets = {};
  Table table = {};
};
using Document = std::vector<Block>;

/// The whole report.
Document describe(const Report& report);

/// A plain-text form for a terminal of so many columns; 0: no limit.
std::string render_text(const Document& document, int columns);
std::string render_markdown(const Document& document);

/// Decimals that show two digits of the interval's half width, at most two; none for exact whole numbers.
int decimals_for(const Comparison& comparison);

/// "1,234 ± 30".
std::string estimate_text(const Estimate& estimate);
/// "+1,234 ± 30", "−5 exact", or "+1,234" where there is no interval.
std::string difference_text(const Comparison& comparison);
/// "+1.25 %", or "" where there is none.
std::string percent_text(const Comparison& comparison);
/// "[1.20, 1.30]" or "".
std::string interval_text(const std::optional<Interval>& interval, int decimals);
/// "<0.0001", "0.034" or "".
std::string p_text(const std::optional<double>& p);
/// "slower", or "slower (within 1 %)" for a difference that is real and smaller than the margin.
std::string verdict_text(const Comparison& comparison, double margin_percent);
/// "instructions" or "ns" "per operation", with what statistic: "mean instructions per operation".
std::string quantity_text(const RunRecord& run, Statistic statistic);

/// What a reader of any figure of this meter has to know, as footnotes.
std::vector<std::string> meter_notes(const RunRecord& run);

}  // namespace nslab
