// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "build_name.h"
#include "experiment.h"
#include "growth.h"
#include "json.h"

namespace nslab {
namespace {

using Floors = std::map<std::pair<std::string, int>, double>;
using SamplesByCell = std::map<CellKey, std::vector<const Sample*>>;

constexpr std::string_view control_base = "multi";
constexpr std::string_view control_twin = "multi-twin";
constexpr std::string_view control_known = "multi-known";

/// The floor of an interaction as a multiple of the twin's: it adds up four kernels' layouts where the twin's
/// difference adds up two, so that its variance is twice as large if layouts are independent. An effect that is the
/// mean over several designs has the twin's floor in full: one twin cannot show that their layouts are independent.
constexpr double kInteractionFloor = std::numbers::sqrt2;

int structure_rank(std::string_view kernel) {
  static constexpr std::string_view order[] = {"none", "nons", "multi", "flat", "static3", "list"};
  const std::string_view structure = kernel.substr(0, kernel.find_first_of("+-"));
  return static_cast<int>(std::find(std::begin(order), std::end(order), structure) - std::begin(order));
}

SeedValues values_of(const SamplesByCell& samples, const CellKey& key, Statistic statistic) {
  SeedValues values;
  const auto found = samples.find(key);
  if (found == samples.end()) return values;
  for (const Sample* s : found->second) {
    if (s->status == CellStatus::ok) values.add(*s, statistic);
  }
  return values;
}

/// A whole number of a layout.
std::optional<std::uint64_t> number_in(const Json& layout, std::string_view name) {
  const auto found = layout.find(name);
  if (found == layout.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

constexpr std::string_view kCount = "count_";
constexpr std::string_view kVcpus = "vCPUs";

/// What the guest's events counted of one operation, by the event.
std::map<std::string, double> counts_of(const Sample& sample) {
  std::map<std::string, double> counts;
  const Json layout = layout_of(sample);
  const auto operations = number_in(layout, "counted_operations");
  if (!operations || *operations == 0) return counts;
  for (const auto& [name, value] : layout.items()) {
    if (!name.starts_with(kCount) || !value.is_number_unsigned()) continue;
    counts[name.substr(kCount.size())] = value.get<double>() / static_cast<double>(*operations);
  }
  return counts;
}

/// The operations of the worker with the fewest, as a part of those of the one with the most.
std::optional<double> fairness_of(const Sample& sample) {
  std::optional<std::uint64_t> least;
  std::uint64_t most = 0;
  const Json layout = layout_of(sample);
  for (const auto& [name, value] : layout.items()) {
    if (!name.starts_with("worker_") || !value.is_number_unsigned()) continue;
    const auto own = value.get<std::uint64_t>();
    least = std::min(least.value_or(own), own);
    most = std::max(most, own);
  }
  if (!least || most == 0) return std::nullopt;
  return static_cast<double>(*least) / static_cast<double>(most);
}

class ViewBuilder {
 public:
  ViewBuilder(const Report& report, const SamplesByCell& samples, const Floors& floors, Statistic statistic)
      : report_(report), samples_(samples), floors_(floors) {
    view_.statistic = statistic;
  }

  View build() {
    for (const auto& [key, samples] : samples_) view_.cells[key] = cell_of(key, samples);
    compare_cells();
    compare_with_origins();
    answer_contrasts();
    fit_growth();
    return std::move(view_);
  }

 private:
  Cell cell_of(const CellKey& key, const std::vector<const Sample*>& samples) const {
    Cell cell;
    for (const Sample* s : samples) {
      if (s->status == CellStatus::refused) {
        ++cell.refused_boots;
        cell.refusal = s->refusal;
      } else {
        ++cell.measured_boots;
        cell.involuntary_switches += s->involuntary_switches;
      }
    }
    if (cell.refused_boots > 0) {
      cell.state = cell.measured_boots > 0 ? Cell::State::inconsistent : Cell::State::refused;
      return cell;
    }
    const SeedValues measured = values_of(samples_, key, view_.statistic);
    std::vector<double> values;
    for (const auto& [seed, value] : measured.by_seed) values.push_back(value);
    cell.value = estimate(values, report_.options.level, measured.rounding);
    const bool timed = properties_of(report_.run.meter).depends_on_host;
    if (!timed) cell.groups = groups_of(std::move(values));  // times fall into groups by the steps of a clock
    if (timed) {
      std::map<std::string, std::vector<double>> counts;
      for (const Sample* s : samples) {
        for (const auto& [name, count] : counts_of(*s)) counts[name].push_back(count);
      }
      for (const auto& [name, values] : counts) cell.counts[name] = estimate(values, report_.options.level);
    }
    return cell;
  }

  bool measured(const CellKey& key) const {
    const auto found = view_.cells.find(key);
    return found != view_.cells.end() && found->second.state == Cell::State::measured;
  }

  std::optional<Comparison> compare(const CellKey& a, const CellKey& b) const {
    if (!measured(a) || !measured(b)) return std::nullopt;
    const SeedValues values_a = values_of(samples_, a, view_.statistic);
    const SeedValues values_b = values_of(samples_, b, view_.statistic);
    Comparison c = compare_pairs(pairs_of(values_a, values_b), report_.options.level, report_.options.margin_percent);
    if (c.pairs == 0) return std::nullopt;
    const auto floor = floors_.find({b.benchmark, b.depth});
    const bool has_floor = a.kernel != b.kernel && !is_control(a.kernel) && !is_control(b.kernel);
    if (has_floor && floor != floors_.end()) c.floor = floor->second;
    return c;
  }

  void compare_cells() {
    std::vector<Comparison*> against_reference;
    std::vector<Comparison*> depth_costs;
    for (auto& [key, cell] : view_.cells) {
      const CellKey reference{key.benchmark, report_.reference, report_.reference_at_depth_zero ? 0 : key.depth};
      if (key.kernel != report_.reference) cell.against_reference = compare(reference, key);
      if (cell.against_reference) against_reference.push_back(&*cell.against_reference);
      if (key.kernel.ends_with("+hash") && key.kernel != kBareKernel)
        cell.against_bare = compare({key.benchmark, std::string(kBareKernel), 0}, key);
      if (key.depth > 0) cell.depth_cost = compare({key.benchmark, key.kernel, 0}, key);
      if (cell.depth_cost) depth_costs.push_back(&*cell.depth_cost);
    }
    judge(against_reference, report_.options.level);
    judge(depth_costs, report_.options.level);
  }

  void compare_with_origins() {
    for (const std::string& benchmark : report_.benchmarks) {
      for (const std::string& kernel : report_.kernels) {  // the reference is the first
        if (!measured({benchmark, kernel, 0})) continue;
        view_.origins[benchmark] = kernel;
        break;
      }
    }
    for (auto& [key, cell] : view_.cells) {
      const auto origin = view_.origins.find(key.benchmark);
      if (origin != view_.origins.end()) cell.against_origin = compare({key.benchmark, origin->second, 0}, key);
    }
  }

  /// The mean over these kernels, for the seeds that all of them have.
  SeedValues mean_over(const std::vector<std::string>& kernels, const std::string& benchmark, int depth) const {
    std::map<std::uint64_t, std::pair<std::size_t, double>> sums;
    SeedValues mean;
    for (const std::string& kernel : kernels) {
      const SeedValues values = values_of(samples_, {benchmark, kernel, depth}, view_.statistic);
      for (const auto& [seed, value] : values.by_seed) {
        ++sums[seed].first;
        sums[seed].second += value;
      }
      mean.rounding = std::hypot(mean.rounding, values.rounding);
    }
    const auto divisor = static_cast<double>(kernels.size());
    for (const auto& [seed, sum] : sums) {
      if (sum.first == kernels.size()) mean.by_seed.emplace_back(seed, sum.second / divisor);
    }
    mean.rounding /= divisor;
    return mean;
  }

  std::optional<ContrastAnswer> answer(const Contrast& contrast, const std::string& benchmark, int depth) const {
    ContrastAnswer result{contrast, benchmark, depth, {}};
    if (contrast.a.size() == 1) {
      const auto c = compare({benchmark, contrast.a[0], depth}, {benchmark, contrast.b[0], depth});
      if (!c) return std::nullopt;
      result.comparison = *c;
      return result;
    }
    for (const auto* kernels : {&contrast.a, &contrast.b}) {
      for (const std::string& kernel : *kernels) {
        if (!measured({benchmark, kernel, depth})) return std::nullopt;
      }
    }
    SeedValues a = mean_over(contrast.a, benchmark, depth);
    SeedValues b = mean_over(contrast.b, benchmark, depth);
    double margin_percent = report_.options.margin_percent;
    double floor_factor = 1;
    if (contrast.interaction) {
      // The difference of differences is twice that of the two sides' means, and its margin is in per cent of one
      // kernel's cost: half as many of a side that is twice that (contrasts.h).
      for (SeedValues* side : {&a, &b}) {
        for (auto& [seed, value] : side->by_seed) value *= 2;
        side->rounding *= 2;
      }
      margin_percent /= 2;
      floor_factor = kInteractionFloor;
      result.effect_a = effect(contrast, 0, benchmark, depth);
      result.effect_b = effect(contrast, 1, benchmark, depth);
    }
    Comparison& c = result.comparison;
    c = compare_pairs(pairs_of(a, b), report_.options.level, margin_percent);
    if (c.pairs == 0) return std::nullopt;
    if (const auto floor = floors_.find({benchmark, depth}); floor != floors_.end()) {
      c.floor = floor_factor * floor->second;
    }
    return result;
  }

  /// What the option of an interaction costs on its side a (0) or b (1), over the seeds that all its kernels have.
  double effect(const Contrast& contrast, std::size_t side, const std::string& benchmark, int depth) const {
    std::vector<std::string> all = contrast.a;
    all.insert(all.end(), contrast.b.begin(), contrast.b.end());
    std::set<std::uint64_t> seeds;
    for (const auto& [seed, value] : mean_over(all, benchmark, depth).by_seed) seeds.insert(seed);
    const auto mean_of = [&](const std::vector<std::string>& kernels, std::size_t first) {
      std::vector<std::string> picked;
      for (std::size_t i = first; i < kernels.size(); i += 2) picked.push_back(kernels[i]);
      std::vector<double> values;
      for (const auto& [seed, value] : mean_over(picked, benchmark, depth).by_seed) {
        if (seeds.contains(seed)) values.push_back(value);
      }
      return mean(values);
    };
    return side == 0 ? mean_of(contrast.a, 1) - mean_of(contrast.b, 0)
                     : mean_of(contrast.b, 1) - mean_of(contrast.a, 0);
  }

  void answer_contrasts() {
    for (const Contrast& contrast : contrasts_of(report_.kernels)) {
      for (const std::string& benchmark : report_.benchmarks) {
        for (const int depth : {0, 1}) {
          if (auto found = answer(contrast, benchmark, depth)) view_.answers.push_back(std::move(*found));
        }
      }
    }
    std::vector<Comparison*> family;
    for (ContrastAnswer& answer : view_.answers) family.push_back(&answer.comparison);
    judge(family, report_.options.level);
  }

  /// `cells` by size, ascending; those that were measured count.
  void add_growth(Growth growth, const std::vector<std::pair<double, CellKey>>& cells) {
    std::map<std::uint64_t, CostsBySize> by_seed;
    for (const auto& [size, key] : cells) {
      if (!measured(key)) continue;
      growth.points.emplace_back(size, view_.cells.at(key).value);
      for (const auto& [seed, cost] : values_of(samples_, key, view_.statistic).by_seed) {
        by_seed[seed].emplace_back(size, cost);
      }
    }
    if (growth.points.size() < 2) return;
    std::vector<CostsBySize> boots;
    for (const auto& [seed, costs] : by_seed) {
      if (costs.size() == growth.points.size()) boots.push_back(costs);
    }
    growth.slope = nslab::growth(boots, report_.options.level);
    if (growth.slope.n > 0) view_.growths.push_back(std::move(growth));
  }

  /// `benchmarks` by the number of vCPUs.
  void add_scaling(const std::string& series, const std::string& kernel, int depth,
                   const std::map<std::uint64_t, std::string>& benchmarks) {
    Scaling scaling{.series = series, .kernel = kernel, .depth = depth};
    std::map<std::uint64_t, ThroughputByCpus> by_seed;
    for (const auto& [vcpus, benchmark] : benchmarks) {
      const CellKey key{benchmark, kernel, depth};
      const auto cell = view_.cells.find(key);
      if (cell == view_.cells.end()) continue;
      if (cell->second.state == Cell::State::refused && scaling.refusal.empty()) {
        scaling.refusal = cell->second.refusal;
        scaling.refused_at = static_cast<double>(vcpus);
      }
      if (!measured(key)) continue;
      Scaling::Point point{.vcpus = static_cast<double>(vcpus)};
      std::vector<double> throughputs;
      std::vector<double> fairness;
      std::vector<double> gains;
      for (const Sample* s : samples_.at(key)) {
        constexpr double kNanoseconds = 1e9;  // of a second
        throughputs.push_back(kNanoseconds / value_of(*s, view_.statistic));
        auto& of_boot = by_seed[s->seed];
        of_boot.emplace_back(point.vcpus, throughputs.back());
        if (const auto& [fewest, alone] = of_boot.front(); fewest == 1 && point.vcpus > 1)
          gains.push_back(std::log(throughputs.back() / alone));
        if (const auto fair = fairness_of(*s)) fairness.push_back(*fair);
      }
      point.throughput = estimate(throughputs, report_.options.level);
      point.fairness = estimate(fairness, report_.options.level);
      point.gain = estimate(gains, report_.options.level);
      point.gain.value = std::exp(point.gain.value);
      if (auto& interval = point.gain.interval) interval = Interval{std::exp(interval->low), std::exp(interval->high)};
      scaling.points.push_back(point);
    }
    std::vector<ThroughputByCpus> boots;
    for (const auto& [seed, points] : by_seed) {
      if (points.size() == scaling.points.size()) boots.push_back(points);
    }
    scaling.law = usl(boots, report_.options.level);
    if (!scaling.points.empty() || !scaling.refusal.empty()) view_.scalings.push_back(std::move(scaling));
  }

  void fit_growth() {
    std::map<std::pair<std::string, std::string>, std::map<std::uint64_t, std::string>> curves;
    for (const auto& [benchmark, point] : report_.curves) {
      curves[{point.series, point.quantity}][point.value] = benchmark;
    }
    for (const auto& [curve, benchmarks] : curves) {
      for (const std::string& kernel : report_.kernels) {
        for (const int depth : report_.depths) {
          if (curve.second == kVcpus) {
            add_scaling(curve.first, kernel, depth, benchmarks);
            continue;
          }
          std::vector<std::pair<double, CellKey>> cells;
          for (const auto& [value, benchmark] : benchmarks) {
            cells.emplace_back(static_cast<double>(value), CellKey{benchmark, kernel, depth});
          }
          add_growth({curve.first, curve.second, kernel, depth, {}, {}}, cells);
        }
      }
    }
    // Two depths are no curve.
    if (report_.depths.size() < 3) return;
    for (const auto& [benchmark, point] : report_.curves) {
      if (point.quantity == kVcpus) continue;
      for (const std::string& kernel : report_.kernels) {
        std::vector<std::pair<double, CellKey>> cells;
        for (const int depth : report_.depths) cells.emplace_back(depth + 1, CellKey{benchmark, kernel, depth});
        const auto there = std::count_if(cells.begin(), cells.end(), [&](const auto& c) { return measured(c.second); });
        if (there >= 3) add_growth({benchmark, "levels", kernel, std::nullopt, {}, {}}, cells);
      }
    }
  }

  const Report& report_;
  const SamplesByCell& samples_;
  const Floors& floors_;
  View view_;
};

/// Fills in what the samples say about the run as a whole.
void check_samples(Report& report, const SamplesByCell& samples) {
  std::map<std::string, std::set<std::uint64_t>> iterations;
  for (const auto& [key, cell] : report.views.front().cells) {
    if (cell.state == Cell::State::inconsistent) report.inconsistent.push_back(key);
    if (cell.against_reference && cell.against_reference->pairs < cell.value.n) {
      const int pairs = cell.against_reference->pairs;
      report.fewest_pairs = report.unpaired_cells == 0 ? pairs : std::min(report.fewest_pairs, pairs);
      ++report.unpaired_cells;
    }
    std::uint64_t repetitions = 0;
    for (const Sample* s : samples.at(key)) {
      repetitions += s->iterations;
      if (s->status == CellStatus::ok) iterations[key.benchmark].insert(s->iterations);
    }
    const std::uint64_t switches = cell.involuntary_switches;
    if (switches > 0 && switches * kRepetitionsToASwitch < repetitions) report.switched.push_back(key);
  }
  for (const auto& [benchmark, counts] : iterations) {
    if (counts.size() > 1) report.unequal_repetitions.push_back({benchmark, *counts.begin(), *counts.rbegin()});
  }
  const auto& cells = report.views.front().cells;
  std::stable_sort(report.switched.begin(), report.switched.end(), [&](const CellKey& a, const CellKey& b) {
    return cells.at(a).involuntary_switches > cells.at(b).involuntary_switches;
  });
}

TimedGuests timed_guests(const std::vector<Sample>& samples) {
  TimedGuests timed;
  for (const Sample& sample : samples) {
    const Json layout = layout_of(sample);
    if (!layout.contains("clock")) continue;
    ++timed.clocks[text_member(layout, "clock")];
    if (const auto address = number_in(layout, "kernel_text"))
      timed.addresses[kernel_and_build(sample.kernel).first][{sample.seed, sample.kernel}] = *address;
    timed.by_counter = timed.by_counter || layout.contains("counter_hertz");
    timed.coarsest_step_ns = std::max(timed.coarsest_step_ns, number_in(layout, "clock_step_ns").value_or(0));
    timed.counted_thousandths =
        std::min(timed.counted_thousandths, number_in(layout, "counter_share").value_or(timed.counted_thousandths));
    if (const auto batch = number_in(layout, "batch")) timed.batches[sample.benchmark] = *batch;
    const std::uint64_t stolen = number_in(layout, "steal_ticks").value_or(0);
    timed.steal_ticks += stolen;
    if (stolen > 0) ++timed.stolen_cells;
  }
  return timed;
}

/// The cells that the experiment wants of the kernels that no boot measured and at least one failed to.
std::set<CellKey> failed_cells(const RunRecord& run, const std::string& condition,
                               const std::set<std::string>& measured) {
  std::set<CellKey> cells;
  const auto experiment = experiment_of(run);
  if (!experiment) return cells;
  for (const BootFailure& failure : run.failures) {
    const std::string kernel = kernel_and_build(failure.kernel).first;
    if (failure.condition != condition || measured.contains(kernel)) continue;
    for (const Measure& measure : experiment->measures) {
      if (std::find(measure.kernels.begin(), measure.kernels.end(), failure.kernel) == measure.kernels.end()) continue;
      if (std::none_of(measure.conditions.begin(), measure.conditions.end(),
                       [&](const Condition& c) { return name_of(c) == condition; }))
        continue;
      for (const int depth : measure.depths) {
        for (const std::string& benchmark : measure.benchmarks) cells.insert({benchmark, kernel, depth});
      }
    }
  }
  return cells;
}

}  // namespace

std::string_view name_of(Statistic statistic) {
  switch (statistic) {
    case Statistic::mean:
      return "mean";
    case Statistic::minimum:
      return "minimum";
    case Statistic::median:
      break;
  }
  return "median";
}

std::optional<Statistic> statistic_from(std::string_view name) {
  for (const Statistic s : {Statistic::mean, Statistic::minimum, Statistic::median}) {
    if (name == name_of(s)) return s;
  }
  return std::nullopt;
}

double value_of(const Sample& sample, Statistic statistic) {
  switch (statistic) {
    case Statistic::mean:
      return sample.mean();
    case Statistic::minimum:
      return static_cast<double>(sample.minimum);
    case Statistic::median:
      break;
  }
  return static_cast<double>(sample.median);
}

double step_of(const Sample& sample, Statistic statistic) {
  if (statistic != Statistic::mean || sample.iterations == 0) return 1;
  return 1 / static_cast<double>(sample.iterations);
}

void SeedValues::add(const Sample& sample, Statistic statistic) {
  by_seed.emplace_back(sample.seed, value_of(sample, statistic));
  rounding = std::max(rounding, rounding_of(step_of(sample, statistic)));
}

Result<void> check_level(const ReportOptions& options) {
  if (!(options.level > 0 && options.level < 1)) {
    return user_error("the interval level must lie between 0 and 1, as 0.95; it is {}.", options.level);
  }
  return {};
}

Pairs pairs_of(const SeedValues& a, const SeedValues& b) {
  Pairs pairs = pair_by_seed(a.by_seed, b.by_seed);
  pairs.rounding_a = a.rounding;
  pairs.rounding_b = b.rounding;
  return pairs;
}

bool is_control(std::string_view kernel) { return kernel == control_twin || kernel == control_known; }

std::map<std::pair<std::string, int>, double> control_floors(const std::vector<Sample>& samples, Statistic statistic,
                                                             double level) {
  std::map<std::pair<std::string, int>, std::pair<SeedValues, SeedValues>> cells;
  for (const Sample& s : samples) {
    if (s.status != CellStatus::ok || (s.kernel != control_base && s.kernel != control_twin)) continue;
    auto& [base, twin] = cells[{s.benchmark, s.depth}];
    (s.kernel == control_base ? base : twin).add(s, statistic);
  }
  Floors floors;
  for (const auto& [cell, sides] : cells) {
    const Comparison c = compare_pairs(pairs_of(sides.first, sides.second), level, 0);
    if (c.interval) floors[cell] = std::max(std::abs(c.interval->low), std::abs(c.interval->high));
  }
  return floors;
}

void sort_kernels(std::vector<std::string>& kernels) {
  const auto key = [](const std::string& k) {
    return std::tuple(k.find('-') != std::string::npos, structure_rank(k), std::count(k.begin(), k.end(), '+'), k);
  };
  std::sort(kernels.begin(), kernels.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

Result<Report> make_report(const RunRecord& run, const std::vector<Sample>& boots, const ReportOptions& options) {
  const std::vector<Sample> in_rounds = in_whole_rounds(boots);
  const std::vector<Sample> samples = over_builds(in_rounds);
  if (samples.empty() && !run.failures.empty()) {
    return negative_result("run {} ({}) has no samples, because all its boots failed. The first: {}", run.id,
                           run.experiment, run.failures.front().error);
  }
  if (samples.empty()) {
    return user_error(
        "run {} ({}) has no samples yet, so there is nothing to report. Run the same 'nslab run' command again: it "
        "continues.",
        run.id, run.experiment);
  }
  TRY(check_level(options));
  Report report;
  report.run = run;
  report.options = options;
  report.condition = samples.front().condition;

  SamplesByCell by_cell;
  std::set<std::tuple<CellKey, std::uint64_t>> seen;
  std::set<std::string> kernels;
  std::set<int> depths;
  for (const Sample& s : samples) {
    if (s.condition != report.condition) {
      return user_error("run {} has samples of the conditions '{}' and '{}', which are not compared.", run.id,
                        report.condition, s.condition);
    }
    const CellKey key{s.benchmark, s.kernel, s.depth};
    if (!seen.emplace(key, s.seed).second) {
      return user_error(
          "run {} holds two samples of {} on {} at depth {} with seed {}: the results are damaged or were edited.",
          run.id, s.benchmark, s.kernel, s.depth, s.seed);
    }
    by_cell[key].push_back(&s);
    kernels.insert(s.kernel);
    depths.insert(s.depth);
    if (std::find(report.benchmarks.begin(), report.benchmarks.end(), s.benchmark) == report.benchmarks.end()) {
      report.benchmarks.push_back(s.benchmark);
    }
  }
  std::sort(report.benchmarks.begin(), report.benchmarks.end());
  report.kernels.assign(kernels.begin(), kernels.end());
  report.depths.assign(depths.begin(), depths.end());
  sort_kernels(report.kernels);
  report.curves = curves_in(run.manifest);
  report.builds = builds_in(boots);
  report.watched = watched_boots(boots);

  report.failed = failed_cells(run, report.condition, kernels);

  report.reference = options.reference;
  const bool reference_failed = std::any_of(report.failed.begin(), report.failed.end(),
                                            [&](const CellKey& key) { return key.kernel == report.reference; });
  if (report.reference.empty() || reference_failed) {
    report.reference = kernels.contains("none") ? "none" : kernels.contains("multi") ? "multi" : report.kernels.front();
  }
  const auto reference = std::find(report.kernels.begin(), report.kernels.end(), report.reference);
  if (reference == report.kernels.end()) {
    return user_error("the reference kernel '{}' is not in run {}; it has: {}.", report.reference, run.id,
                      fmt::join(report.kernels, ", "));
  }
  std::rotate(report.kernels.begin(), reference, reference + 1);

  const auto measured_deeper = [&](const auto& entry) {
    return entry.first.kernel == report.reference && entry.first.depth > 0 &&
           std::any_of(entry.second.begin(), entry.second.end(),
                       [](const Sample* s) { return s->status == CellStatus::ok; });
  };
  report.reference_at_depth_zero =
      *depths.rbegin() > 0 && std::none_of(by_cell.begin(), by_cell.end(), measured_deeper);
  report.has_control = kernels.contains(std::string(control_base)) && kernels.contains(std::string(control_twin));

  const Statistic other = options.statistic == Statistic::minimum ? Statistic::mean : Statistic::minimum;
  for (const Statistic statistic : {options.statistic, other}) {
    const Floors floors = control_floors(samples, statistic, options.level);
    report.views.push_back(ViewBuilder(report, by_cell, floors, statistic).build());
  }
  check_samples(report, by_cell);
  report.incomplete_rounds = boots.size() - in_rounds.size();
  if (run.meter == Meter::time) {
    report.levels = cell_levels(in_rounds, report.reference, report.reference_at_depth_zero, options.level);
    report.timed = timed_guests(boots);
  }
  return report;
}

}  // namespace nslab
