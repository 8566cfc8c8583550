// SPDX-License-Identifier: GPL-2.0
#include "sample.h"

#include <fmt/format.h>

namespace nslab {

Json layout_of(const Sample& sample) {
  auto layout = sample.layout.empty() ? std::nullopt : parse_json(sample.layout);
  return layout && layout->is_object() ? std::move(*layout) : Json::object();
}

std::string profile_mark(const RunRecord& run) {
  return run.measurable ? "" : fmt::format("PROFILE {}: NOT FOR MEASUREMENT", run.profile);
}

std::string meter_mark(const RunRecord& run) {
  const MeterProperties& meter = properties_of(run.meter);
  const std::string_view accelerator = meter.unrepresentative_accelerator;
  return accelerator.empty() || run.accelerator != accelerator ? "" : meter.unrepresentative;
}

std::vector<std::string> marks_of(const RunRecord& run) {
  std::vector<std::string> marks = {profile_mark(run), meter_mark(run)};
  std::erase(marks, "");
  return marks;
}

std::string impossible(const Sample& sample) {
  const std::uint64_t figures[] = {sample.iterations, sample.sum, sample.sum_first_half, sample.minimum,
                                   sample.median,     sample.p90, sample.maximum};
  if (sample.depth < 0) return "has a negative depth";
  if (sample.depth > 32) return "is deeper than the 32 levels that the kernel allows";
  if (sample.status == CellStatus::refused) {
    if (sample.refusal.empty()) return "is refused and names no error";
    for (const std::uint64_t figure : figures) {
      if (figure != 0) return "is refused and has figures";
    }
    return "";
  }
  if (!sample.refusal.empty()) return "is measured and names an error";
  if (sample.iterations == 0) return "is measured and has no repetitions";
  if (sample.minimum == 0) return "has a repetition that cost nothing";
  if (sample.minimum > sample.median || sample.median > sample.p90 || sample.p90 > sample.maximum) {
    return "has a minimum, median, 90th percentile and maximum that do not ascend";
  }
  // The products may be larger than 64 bits.
  using Wide = unsigned __int128;
  const Wide repetitions = sample.iterations;
  if (sample.sum < repetitions * sample.minimum || sample.sum > repetitions * sample.maximum) {
    return "has a mean that does not lie between its minimum and its maximum";
  }
  const Wide half = sample.iterations / 2;
  if (sample.sum_first_half < half * sample.minimum || sample.sum_first_half > half * sample.maximum) {
    return "has a first half whose mean does not lie between its minimum and its maximum";
  }
  if (sample.sum_first_half > sample.sum) return "has a first half that cost more than the whole";
  return "";
}

std::string report_title(const RunRecord& run) {
  return fmt::format("nslab report: {} (run {})", run.experiment, run.id);
}

}  // namespace nslab
