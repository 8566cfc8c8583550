// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>

#include "numbers.h"
#include "sections.h"
#include "words.h"

namespace nslab {
namespace {

/// "1,234 ± 30", with as many decimals as show the interval's half width.
std::string with_interval(const Estimate& estimate, int least) {
  if (!estimate.interval) return format_number(estimate.value, decimals_that_show(estimate.value, least));
  const double width = estimate.interval->half_width();
  const int decimals = decimals_that_show(width, least);
  return format_number(estimate.value, decimals) + " ± " + format_number(width, decimals);
}

using Place = std::pair<std::string, int>;  // kernel and depth

std::vector<Place> places_of(const View& view) {
  std::vector<Place> places;
  for (const Scaling& scaling : view.scalings) {
    const Place place(scaling.kernel, scaling.depth);
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
  }
  return places;
}

const Scaling* find_scaling(const View& view, const std::string& series, const Place& place) {
  for (const Scaling& scaling : view.scalings) {
    if (scaling.series == series && scaling.kernel == place.first && scaling.depth == place.second) return &scaling;
  }
  return nullptr;
}

/// The throughput, below it what it is against that of one vCPU, and how fair it is.
std::string point_text(const Scaling& scaling, double vcpus) {
  const auto point = std::find_if(scaling.points.begin(), scaling.points.end(),
                                  [&](const Scaling::Point& p) { return p.vcpus == vcpus; });
  if (point == scaling.points.end()) {
    const bool refused = !scaling.refusal.empty() && vcpus >= scaling.refused_at;
    return refused ? "refused (" + scaling.refusal + ")" : std::string(kMissing);
  }
  std::string text = with_interval(point->throughput, 0);
  if (vcpus == 1) return text;
  const Estimate& ratio = point->gain;
  std::string gain = ratio.n == 0 ? "" : "× " + format_number(ratio.value, 2);
  if (const auto& interval = ratio.interval)
    gain += fmt::format(" [{}, {}]", format_number(interval->low, 2), format_number(interval->high, 2));
  const std::string fair = point->fairness.n > 0 ? "fair " + format_number(point->fairness.value, 2) : "";
  return text + "\n" + gain + (gain.empty() || fair.empty() ? "" : ", ") + fair;
}

Table table_of(const View& view, const std::vector<Column>& keys) {
  Table table;
  table.key_columns = keys.size();
  table.columns = keys;
  for (const auto& [kernel, depth] : places_of(view)) table.columns.push_back({kernel, fmt::format("depth {}", depth)});
  return table;
}

std::vector<std::string> all_series(const View& view) {
  std::vector<std::string> series;
  for (const Scaling& scaling : view.scalings) {
    if (series.empty() || series.back() != scaling.series) series.push_back(scaling.series);
  }
  return series;
}

Table throughput_table(const View& view) {
  Table table = table_of(view, {{"operation", "", Align::left}, {"vCPUs", ""}});
  for (const std::string& series : all_series(view)) {
    std::set<double> sizes;
    for (const Scaling& scaling : view.scalings) {
      if (scaling.series != series) continue;
      for (const Scaling::Point& point : scaling.points) sizes.insert(point.vcpus);
      if (!scaling.refusal.empty()) sizes.insert(scaling.refused_at);
    }
    for (const double size : sizes) {
      std::vector<std::string> row = {series, format_number(size, 0)};
      for (const Place& place : places_of(view)) {
        const Scaling* const scaling = find_scaling(view, series, place);
        row.push_back(scaling == nullptr ? std::string(kMissing) : point_text(*scaling, size));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

/// Where the throughput is the most, and whether that was looked at.
std::string peak_text(const Scaling& scaling) {
  const auto peak = scaling.law.peak();
  if (!peak) return "no most shown";
  const double last = scaling.points.back().vcpus;
  if (*peak > last) return fmt::format("most beyond {} ({})", format_number(last, 0), format_number(*peak, 1));
  return "most at " + format_number(*peak, 1);
}

std::string law_text(const Scaling& scaling) {
  const UslEstimate& law = scaling.law;
  if (law.n == 0) return std::string(kMissing);
  return fmt::format("λ {}\nσ {}\nκ {}\n{}", with_interval(law.lambda, 0), with_interval(law.sigma, 3),
                     with_interval(law.kappa, 4), peak_text(scaling));
}

Table law_table(const View& view) {
  Table table = table_of(view, {{"operation", "", Align::left}});
  for (const std::string& series : all_series(view)) {
    std::vector<std::string> row = {series};
    bool any = false;
    for (const Place& place : places_of(view)) {
      const Scaling* const scaling = find_scaling(view, series, place);
      any = any || (scaling != nullptr && scaling->law.n > 0);
      row.push_back(scaling == nullptr ? std::string(kMissing) : law_text(*scaling));
    }
    if (any) table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Document scaling_section(const Report& report, const View& view) {
  if (view.scalings.empty()) return {};
  Document section = {
      {Block::Kind::heading, "How it scales"},
      {.kind = Block::Kind::table,
       .text = fmt::format(
           "Operations per second of all vCPUs together (each boot's from its {}; {}): the mean over boots, ± the {} "
           "interval. Below it, the throughput as a multiple of that of one vCPU in the same boot, the geometric mean "
           "over boots with its interval: where 1 lies in it, more vCPUs do not do more for certain. And how fair it "
           "is: the operations of the worker with the "
           "fewest as a part of those of the worker with the most. The workers are all in one pid namespace (same), "
           "each in one of its own beside the others (sibling), or each in one below the last (nested).",
           quantity_text(report.run, view.statistic), source_text(report, view), level_text(report.options.level)),
       .table = throughput_table(view)}};
  Table law = law_table(view);
  if (law.rows.empty()) {
    section.push_back({Block::Kind::paragraph,
                       "The Universal Scalability Law is not fitted: its three parameters need throughputs at three "
                       "numbers of vCPUs or more."});
    return section;
  }
  section.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format(
           "The Universal Scalability Law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), fitted to each boot's throughputs "
           "by least squares ({}), ± the {} interval of its parameters over boots. λ is what one vCPU does alone, per "
           "second. "
           "σ is the part of the work that only one vCPU can do at a time, so that, where it is below 1, throughput "
           "stays below λ / σ. κ is "
           "what each pair of vCPUs costs in keeping their data alike; where it is not 0, throughput is the most at "
           "√((1 − σ) / κ) vCPUs and falls beyond; that is said where its interval lies above 0. One below 0 is noise. "
           "The "
           "fit describes the points; it does not say "
           "which lock makes them, and beyond the largest number of vCPUs it is a guess. Of three points it shows no "
           "error, as it passes through them.",
           meter_text(report.run), level_text(report.options.level)),
       .table = std::move(law)});
  return section;
}

}  // namespace nslab
