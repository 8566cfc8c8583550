// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "benchmarks.h"
#include "builds.h"
#include "contrasts.h"
#include "disturbances.h"
#include "explanation.h"
#include "groups.h"
#include "result.h"
#include "sample.h"
#include "stats.h"
#include "usl.h"

namespace nslab {

/// Which number of a sample's repetitions stands for the boot.
enum class Statistic {
  mean,     ///< work paid for, periodic work (ticks, batches) included
  minimum,  ///< the bare path
  median,
};

/// "mean", "minimum" or "median".
std::string_view name_of(Statistic statistic);
/// The reverse; empty when there is no such statistic.
std::optional<Statistic> statistic_from(std::string_view name);
/// The sample's value in the meter's unit per operation.
double value_of(const Sample& sample, Statistic statistic);
/// How far apart two neighbouring values of such a sample are. Both meters count whole units, so that it is 1, or for
/// the mean of so many repetitions 1 by their number.
double step_of(const Sample& sample, Statistic statistic);

/// One cell's values over boots, or one side's of a contrast.
struct SeedValues {
  std::vector<std::pair<std::uint64_t, double>> by_seed;
  double rounding = 0;  ///< of one value (rounding_of()); the largest, where they are not alike

  void add(const Sample& sample, Statistic statistic);
};
Pairs pairs_of(const SeedValues& a, const SeedValues& b);

struct ReportOptions {
  std::string reference = {};  ///< a kernel; empty: "none" if present, else "multi", else the first kernel
  Statistic statistic = Statistic::mean;
  double level = 0.95;          ///< of the intervals; verdicts are at 1 - level
  double margin_percent = 1.0;  ///< 'equivalent' means smaller than this
};

/// Exit::user for a level that is none.
Result<void> check_level(const ReportOptions& options);

/// What a kernel without pid namespaces was in 2007: no code looks for one, and ids are kept in the bitmap and hash.
/// What the designs cost with the hash is compared with it, as `none` has the IDR.
inline constexpr std::string_view kBareKernel = "none+cache+hash";

struct CellKey {
  std::string benchmark;
  std::string kernel;
  int depth = 0;
  auto operator<=>(const CellKey&) const = default;
};

struct Cell {
  enum class State {
    measured,      ///< in every boot that has it
    refused,       ///< in every boot that has it
    inconsistent,  ///< measured in some boots, refused in others: an error, no figure is given
  };
  State state = State::measured;
  std::string refusal;  ///< the errno's name, as "EINVAL"
  int measured_boots = 0;
  int refused_boots = 0;
  std::uint64_t involuntary_switches = 0;  ///< in all boots together

  Estimate value;             ///< in the meter's unit per operation
  std::vector<Group> groups;  ///< the few groups that the boots' values fall into (groups_of()); mostly empty
  std::optional<Comparison>
      against_reference;  ///< empty for the reference itself and where there is nothing to compare with
  std::optional<Comparison> against_bare;    ///< of kernels with the hash: against depth 0 of kBareKernel; no verdict
  std::optional<Comparison> depth_cost;      ///< against depth 0 of the same kernel; empty at depth 0
  std::optional<Comparison> against_origin;  ///< against depth 0 of the benchmark's origin; without a verdict
  /// Time meter: what the guest's perf events counted of one operation, by the event, as "page_faults".
  std::map<std::string, Estimate> counts = {};
};

/// What a contrast comes to in one benchmark at one depth.
struct ContrastAnswer {
  Contrast contrast;
  std::string benchmark;
  int depth = 0;
  Comparison comparison;  ///< side b against side a; the per cent of an interaction mean nothing
  /// Of an interaction: what the option costs on its sides a and b, in the mean over the same boots. The comparison's
  /// difference is effect_b − effect_a.
  double effect_a = 0;
  double effect_b = 0;
};

/// How one operation's cost grows with one quantity, on one kernel.
struct Growth {
  std::string series;    ///< the operation, as "fork"; against levels the benchmark, as "fork_processes_10"
  std::string quantity;  ///< as "processes"; "levels" is depth + 1, the numbers that a struct pid has to have
  std::string kernel;
  std::optional<int> depth;                         ///< empty against levels
  std::vector<std::pair<double, Estimate>> points;  ///< by size, ascending: what it costs there
  Estimate slope;                                   ///< of log(cost) on log(size), over boots that have all points
};

/// How the throughput of one operation grows with the number of vCPUs that do it at once, on one kernel.
struct Scaling {
  struct Point {
    double vcpus = 0;
    Estimate throughput = {};  ///< operations per second of all together: the mean over boots
    Estimate gain = {};      ///< against one vCPU in the same boot: the geometric mean; n is 0 where none was measured
    Estimate fairness = {};  ///< the fewest operations of a worker, as a part of the most of one
  };
  std::string series;  ///< the operation and where its workers are, as "fork_same"
  std::string kernel;
  int depth = 0;
  std::vector<Point> points = {};  ///< by vCPUs, ascending
  std::string refusal = {};        ///< the errno's name of the first that is refused; empty: none is
  double refused_at = 0;           ///< its vCPUs
  UslEstimate law = {};            ///< over boots that have all points; n is 0 with fewer than three of them
};

/// All figures of one statistic.
struct View {
  Statistic statistic = Statistic::mean;
  std::map<CellKey, Cell> cells;
  /// By benchmark, the kernel whose depth 0 all its cells are plotted against: the reference, or where that is refused
  /// the first kernel that was measured there.
  std::map<std::string, std::string> origins;
  std::vector<ContrastAnswer> answers;  ///< by contrast, benchmark, depth; depths 0 and 1
  std::vector<Growth> growths;          ///< by series and quantity, then kernel and depth; those against levels last
  std::vector<Scaling> scalings;        ///< by series, then kernel and depth
};

/// Time meter: what the guests saw of the machine that they were timed on.
struct TimedGuests {
  std::map<std::string, int> clocks;             ///< samples by the kernel's clocksource
  bool by_counter = false;                       ///< some were timed by the CPU's counter, as that clock is too coarse
  std::uint64_t coarsest_step_ns = 0;            ///< by which the clock that was read advances
  std::map<std::string, std::uint64_t> batches;  ///< operations timed as one repetition, where there are several
  std::uint64_t steal_ticks = 0;                 ///< of 10 ms, in all cells together
  int stolen_cells = 0;                          ///< samples with some
  std::uint64_t counted_thousandths = 1000;      ///< of the time, in which each of the CPU's counters counted at least
  /// Of a kernel's code in each boot, by (seed, build).
  using Addresses = std::map<std::pair<std::uint64_t, std::string>, std::uint64_t>;
  std::map<std::string, Addresses> addresses;  ///< by kernel, where the guest said it
};

/// A benchmark that was not repeated equally often in all cells, which by itself moves the mean.
struct UnequalRepetitions {
  std::string benchmark;
  std::uint64_t fewest = 0;
  std::uint64_t most = 0;
};

/// Involuntary context switches that are fewer than one in so many repetitions mean that something else ran. Where
/// there are more, the operation itself creates tasks that preempt it.
constexpr std::uint64_t kRepetitionsToASwitch = 100;

/// What `nslab report` shows: figures only, no words. Made by make_report(); describe() adds the words.
struct Report {
  RunRecord run;
  std::string condition = "quiet";  ///< by its name: all figures are of this one
  ReportOptions options;
  std::string reference;  ///< a kernel
  /// The reference has no namespaces to nest (none, nons), thus was measured at depth 0 only: every depth is then
  /// compared with its depth 0.
  bool reference_at_depth_zero = false;
  bool has_control = false;  ///< multi and multi-twin are both present: their difference is the floor

  std::vector<std::string> kernels;          ///< in the order of the columns, reference first
  std::vector<std::string> benchmarks;       ///< in the order of the rows
  std::vector<int> depths;                   ///< ascending
  std::map<std::string, CurvePoint> curves;  ///< by benchmark, where it is a point of a curve

  std::vector<View> views;  ///< the statistic asked for, then the minimum (or the mean, if the minimum was asked for)

  // What the first view's cells say about the run as a whole:
  std::set<CellKey> failed;           ///< cells of kernels whose boots all failed (RunRecord::failures): no samples
  std::vector<CellKey> inconsistent;  ///< cells that are an error (Cell::State::inconsistent)
  int unpaired_cells = 0;             ///< cells with boots whose seed the reference lacks
  int fewest_pairs = 0;               ///< among the unpaired cells; 0 when there are none
  std::vector<UnequalRepetitions> unequal_repetitions;
  int builds = 1;                     ///< of each kernel; where there are more, they are the replicates, and not boots
  std::size_t incomplete_rounds = 0;  ///< samples that are left out, as another build lacks their round
  std::vector<CellLevels> levels;     ///< of the time meter: what varies from build to build, boot to boot and within
  std::vector<WatchedBoot> watched;   ///< boots of the time meter, with what the host did meanwhile
  std::vector<CellKey> switched;      ///< cells with switches, but fewer than one in kRepetitionsToASwitch; most first
  TimedGuests timed;                  ///< of the time meter: what the guests saw of the machine

  /// What went into the run and is not what would go into it today, as sentences. make_report() leaves it empty: a run
  /// does not know of the day on which it is read.
  std::vector<std::string> not_of_today;

  /// What the headline differences are made of, where functions were counted: lines in the order in which
  /// explanations_of() gives them. make_report() leaves it empty: they are stored with the run.
  std::vector<Explanation> explanations;

  /// The same run under its other conditions, in the order of the experiment. make_report() leaves it empty.
  std::vector<Report> elsewhere;
};

/// Fails with Exit::user when there are no samples or the reference is no kernel of the run, or the samples
/// contradict each other (two of the same cell and seed), or are not all of one condition.
Result<Report> make_report(const RunRecord& run, const std::vector<Sample>& boots, const ReportOptions& options);

/// The floor of each cell (benchmark, depth), in the meter's unit: the far end of the interval of multi-twin - multi,
/// what one other code layout of the same source does there. It is one draw from all layouts, and no upper bound: if
/// layout were all that moves a cell, a further pair of layouts would differ by more than this pair in one of two
/// cases. Empty where the two are not both measured at least twice.
std::map<std::pair<std::string, int>, double> control_floors(const std::vector<Sample>& samples, Statistic statistic,
                                                             double level);
/// Whether a kernel is one of the controls (multi-twin, multi-known). The lab is checked by them: their own differences
/// are called however small they are.
bool is_control(std::string_view kernel);

/// Kernels in the order in which reports show them: by structure, plain before its variants, controls last.
void sort_kernels(std::vector<std::string>& kernels);

}  // namespace nslab
