// SPDX-License-Identifier: GPL-2.0
#include "words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "numbers.h"
#include "text.h"

namespace nslab {
namespace {

int decimals_of(double value, const std::optional<Interval>& interval, bool exact, Meter meter) {
  const int most = properties_of(meter).decimals;
  const double uncertainty = interval ? interval->half_width() : 0;
  if (exact || uncertainty <= 0) {
    const double fraction = value - std::round(value);
    return std::abs(fraction) < 1e-9 ? 0 : decimals_that_show(fraction, most);
  }
  return decimals_that_show(uncertainty, std::min(most, uncertainty >= 10 ? 0 : uncertainty >= 1 ? 1 : 2));
}

}  // namespace

std::string profile_text(const std::string& profile) {
  return profile == kAsGiven ? "kernels as given" : "profile " + profile;
}

std::string origin_text(const RunRecord& run) {
  const std::string profile = profile_text(run.profile);
  if (run.profile == kAsGiven) return profile;
  return fmt::format("{}, {}", run.base == kAsGiven ? "sources as given" : run.base, profile);
}

std::string given_kernels_text(const RunRecord& run) {
  std::string text;
  const auto manifest = parse_json(run.manifest);
  const Json kernels = manifest ? object_member(*manifest, "kernels") : Json::object();
  for (const auto& [name, kernel] : kernels.items()) {
    const std::string given = kernel.is_object() ? text_member(kernel, "given") : "";
    if (!given.empty()) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", name, given);
  }
  return text;
}

std::string level_text(double level) { return fmt::format("{:.4g} %", 100 * level); }

int decimals_for(const Comparison& comparison, Meter meter) {
  return decimals_of(comparison.difference, comparison.interval, comparison.exact, meter);
}

std::string estimate_text(const Estimate& e, Meter meter) {
  const int decimals = decimals_of(e.value, e.interval, e.exact, meter);
  const std::string text = format_number(e.value, decimals);
  if (e.exact) return text + " exact";
  return e.interval ? text + " ± " + format_number(e.interval->half_width(), decimals) : text;
}

std::string difference_text(const Comparison& c, Meter meter) {
  const int decimals = decimals_for(c, meter);
  std::string text = format_signed(c.difference, decimals);
  if (c.exact) return text + " exact";
  if (c.interval) text += " ± " + format_number(c.interval->half_width(), decimals);
  return text;
}

bool is_decided(const Comparison& c) { return c.verdict == Verdict::more || c.verdict == Verdict::less; }

std::string difference_and_percent(const Comparison& c, Meter meter) {
  return difference_text(c, meter) + (c.percent ? " (" + percent_text(c) + ")" : "");
}

std::string percent_text(const Comparison& c) { return c.percent ? format_signed(*c.percent, 2) + " %" : ""; }

std::string interval_text(const std::optional<Interval>& interval, int decimals) {
  if (!interval) return "";
  decimals = decimals_that_show(interval->half_width(), decimals);
  return "[" + format_signed(interval->low, decimals) + ", " + format_signed(interval->high, decimals) + "]";
}

std::string p_text(const std::optional<double>& p) {
  if (!p) return "";
  return *p < 0.0001 ? "<0.0001" : fmt::format("{:.4f}", *p);
}

std::string_view verdict_word(Verdict verdict, Meter meter) {
  switch (verdict) {
    case Verdict::more:
      return properties_of(meter).more;
    case Verdict::less:
      return properties_of(meter).less;
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::undecided:
      break;
  }
  return "undecided";
}

std::string mark_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::more:
      return ">";
    case Verdict::less:
      return "<";
    case Verdict::equivalent:
      return "=";
    case Verdict::undecided:
      break;
  }
  return "?";
}

std::string verdict_text(const Comparison& c, double margin_percent, Meter meter) {
  std::string text(verdict_word(c.verdict, meter));
  const bool direction = c.verdict == Verdict::more || c.verdict == Verdict::less;
  if (direction && c.within_margin) text += fmt::format(" (within {:.4g} %)", margin_percent);
  return text;
}

std::string quantity_text(const RunRecord& run, Statistic statistic) {
  return fmt::format("{} {} per operation", name_of(statistic), run.unit());
}

std::string capitalized(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

Document cautions(const RunRecord& run) {
  Document blocks;
  const auto warn = [&](std::string text) { blocks.push_back({Block::Kind::warning, std::move(text)}); };
  if (const std::string mark = profile_mark(run); !mark.empty()) {
    warn(mark +
         ". Such a kernel is cut down, or checks itself, and takes other paths than the kernels in use. Its figures "
         "show that the lab runs, and nothing else.");
  }
  if (const std::string mark = meter_mark(run); !mark.empty())
    warn(mark + ". QEMU emulated the CPU, and the host's clock timed the emulator.");
  if (run.boots_done < run.boots_planned) {
    warn(fmt::format("INCOMPLETE: {} of {} boots are missing. Run the same 'nslab run' command again: it continues.",
                     run.boots_planned - run.boots_done, run.boots_planned));
  }
  if (run.base != kAsGiven && !given_kernels_text(run).empty()) {
    warn(fmt::format(
        "Some kernels are of base {} and profile {}, and others are as given, with configs of their own. What "
        "the configs make is part of the differences between them.",
        run.base, run.profile));
  }
  return blocks;
}

std::string meter_text(const RunRecord& run) {
  std::string text = fmt::format("{} meter, accelerator {}", name_of(run.meter), run.accelerator);
  for (const std::string& mark : marks_of(run)) text += ", " + mark;
  return text;
}

std::string place_text(const CellKey& key) {
  return fmt::format("{} on {} at depth {}", key.benchmark, key.kernel, key.depth);
}

std::string boots_text(const Report& report, const View& view) {
  const std::string what = report.builds > 1 ? "build" : "boot";
  int low = 0;
  int high = 0;
  for (const auto& [key, cell] : view.cells) {
    const int boots = cell.measured_boots + cell.refused_boots;
    low = low == 0 ? boots : std::min(low, boots);
    high = std::max(high, boots);
  }
  const std::string rounds = report.builds > 1 ? ", each the mean over its boots" : "";
  if (low == high) return counted(high, what) + " a cell" + rounds;
  return fmt::format("{} to {} {}s a cell{}", low, high, what, rounds);
}

std::string source_text(const Report& report, const View& view) {
  return fmt::format("{}, condition {}, {}", meter_text(report.run), report.condition, boots_text(report, view));
}

std::string reference_text(const Report& report) {
  const std::string baseline = baseline_text(report.reference);
  if (!report.reference_at_depth_zero) return baseline + " at the same depth";
  return baseline + " at depth 0 (it allows no other depth)";
}

std::string baseline_text(std::string_view kernel) {
  if (kernel == "none" || kernel == "none+hash") return fmt::format("mainline's PID_NS=n ({})", kernel);
  if (kernel == "none+cache" || kernel == kBareKernel) return fmt::format("a bare kernel ({})", kernel);
  return std::string(kernel);
}

std::string floor_text(Meter meter) {
  return fmt::format(
      "The verdict is '{}' or '{}' only where the difference is larger than the floor: the far end of the interval of "
      "the difference between multi-twin and multi in the same cell. An interaction has four layouts in it and not "
      "two, so it must be √2 times as large. multi-twin is "
      "the "
      "same source in one other code layout: a third layout may move a cell further, so this floor is not the most "
      "that "
      "a layout can do.",
      properties_of(meter).more, properties_of(meter).less);
}

std::string exact_note() {
  return "'exact' means that the figure is the same in every boot that was run, or the difference in every pair of "
         "boots. Its interval is as wide as the rounding to whole counts. Where the margin is less than one count, '0 "
         "exact' is undecided: equal counts cannot show that a difference is smaller than one.";
}

std::string interval_note(const ReportOptions& options) {
  return fmt::format(
      "The {} interval belongs to the test of a difference. 'Equivalent' is the answer of two one-sided tests at "
      "{:.4g} "
      "% each. They pass where a narrower interval, that of {}, lies within ± {:.4g} %. The verdicts are corrected for "
      "the number of cells, and the intervals are not.",
      level_text(options.level), 100 * (1 - options.level), level_text(2 * options.level - 1), options.margin_percent);
}

}  // namespace nslab
