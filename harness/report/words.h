// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document.h"
#include "report.h"
#include "sample.h"
#include "stats.h"

namespace nslab {

/// Stands for what was not measured. It never stands for 0.
constexpr std::string_view kMissing = "–";

/// "95 %".
std::string level_text(double level);

/// "profile lean", or "kernels as given".
std::string profile_text(const std::string& profile);
/// Where the kernels are from: "linux-6.12, profile lean", or "kernels as given", or "sources as given, profile lean".
std::string origin_text(const RunRecord& run);
/// What the kernels that others have built are: a name and "linux-image-… 6.12.117-1", or the image's file; by the
/// run's manifest. Empty: there is none.
std::string given_kernels_text(const RunRecord& run);

/// Decimals that show two digits of the interval's half width, at most as many as the meter allows, but always one that
/// is not 0: "± 0.00" would claim what was not found. What is exact has none if it is a whole number, and else as many
/// as show that it is not.
int decimals_for(const Comparison& comparison, Meter meter);

/// "1,234 ± 30", "1,234 exact", or "1,234" where there is no interval.
std::string estimate_text(const Estimate& estimate, Meter meter);
/// "+1,234 ± 30", "−5 exact", or "+1,234" where there is no interval.
std::string difference_text(const Comparison& comparison, Meter meter);
/// "+3,471 ± 967 (+0.97 %)".
std::string difference_and_percent(const Comparison& comparison, Meter meter);
/// Whether the verdict is that one of the two costs more.
bool is_decided(const Comparison& comparison);
/// "+1.25 %", or "" where there is none.
std::string percent_text(const Comparison& comparison);
/// "[1.20, 1.30]" or "", with more decimals where the two ends would otherwise look the same.
std::string interval_text(const std::optional<Interval>& interval, int decimals);
/// "<0.0001", "0.034" or "".
std::string p_text(const std::optional<double>& p);
/// "costs more", "costs less" (of the time meter "slower", "faster"), "equivalent" or "undecided".
std::string_view verdict_word(Verdict verdict, Meter meter);
/// For a narrow cell: ">" costs more, "<" costs less, "=" equivalent, "?" undecided.
std::string mark_of(Verdict verdict);
/// The word, or "costs more (within 1 %)" for a difference that is real and smaller than the margin.
std::string verdict_text(const Comparison& comparison, double margin_percent, Meter meter);

/// "mean instructions per operation".
std::string quantity_text(const RunRecord& run, Statistic statistic);
/// With the first letter, which must be of ASCII, in upper case.
std::string capitalized(std::string text);

/// marks_of() as blocks for a document's head, in whole sentences, and whether boots are missing.
Document cautions(const RunRecord& run);

/// "instructions meter, accelerator tcg with icount", and the marks of the run.
std::string meter_text(const RunRecord& run);
/// "fork on multi at depth 0".
std::string place_text(const CellKey& key);
/// "10 boots a cell", or "5 builds a cell, each the mean over its boots".
std::string boots_text(const Report& report, const View& view);
/// Where a figure comes from: the meter, the condition and the boots.
std::string source_text(const Report& report, const View& view);
/// "none at depth 0 (it allows no other depth)".
std::string reference_text(const Report& report);

/// A kernel that others are compared with. There are two kinds of kernels without pid namespaces, and these say which
/// they are: "mainline's PID_NS=n (none)", "a bare kernel (none+cache+hash)". Others have their name alone.
std::string baseline_text(std::string_view kernel);

/// The rule about the floor and what it does not know (docs/statistics.md), in sentences.
std::string floor_text(Meter meter);
/// What 'exact' says and does not say, in sentences.
std::string exact_note();
/// Which of the two tests the intervals belong to, as a sentence.
std::string interval_note(const ReportOptions& options);

}  // namespace nslab
