// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "json.h"
#include "report_document.h"
#include "test_samples.h"
#include "wrap.h"

namespace nslab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// multi and flat at depths 0 to 2, three seeds that move fork by thousands; flat saves 100 of it and is refused at
/// depth 2.
std::vector<Sample> small_run() {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (int depth = 0; depth <= 2; ++depth) {
      const std::uint64_t fork = 100000 + 1000 * seed + 50 * static_cast<std::uint64_t>(depth);
      samples.push_back(sample("multi", depth, "fork", seed, fork));
      samples.push_back(sample("multi", depth, "getpid", seed, 310));
      if (depth == 2) {
        samples.push_back(refused("flat", depth, "fork", seed));
        samples.push_back(refused("flat", depth, "getpid", seed));
      } else {
        samples.push_back(sample("flat", depth, "fork", seed, fork - 100));
        samples.push_back(sample("flat", depth, "getpid", seed, 310));
      }
    }
  }
  return samples;
}

Report report_of(const std::vector<Sample>& samples, const ReportOptions& options = {},
                 const RunRecord& run = run_record()) {
  auto report = make_report(run, samples, options);
  EXPECT_TRUE(report) << report.error().message;
  return *report;
}

std::string text_of(const Report& report, int columns = 0) { return render_text(describe(report), columns); }
std::string markdown_of(const Report& report) { return render_markdown(describe(report)); }

const Cell& cell(const Report& report, const CellKey& key) { return report.views.front().cells.at(key); }

TEST(ReportTest, CellsAreMeansOverBootsAndPairsBySeed) {
  const Report report = report_of(small_run());
  EXPECT_EQ(report.reference, "multi");
  EXPECT_EQ(report.kernels, (std::vector<std::string>{"multi", "flat"}));
  EXPECT_EQ(report.depths, (std::vector<int>{0, 1, 2}));
  const Cell& flat = cell(report, {"fork", "flat", 1});
  EXPECT_EQ(flat.value.n, 3);
  EXPECT_DOUBLE_EQ(101950, flat.value.value);  // 100,000 + 2,000 + 50 - 100
  // The seeds' spread of 1,000 is in the cell's own interval, 4.303 * 1000 / sqrt(3), but not in the difference.
  EXPECT_NEAR(2484.1, flat.value.interval->high - flat.value.value, 0.1);
  ASSERT_TRUE(flat.against_reference);
  EXPECT_TRUE(flat.against_reference->exact);
  EXPECT_DOUBLE_EQ(-100, flat.against_reference->difference);
  EXPECT_EQ(flat.against_reference->verdict, Verdict::less);
  EXPECT_DOUBLE_EQ(50, flat.depth_cost->difference);
  EXPECT_FALSE(cell(report, {"fork", "multi", 1}).against_reference);
  EXPECT_FALSE(cell(report, {"fork", "multi", 0}).depth_cost);
}

TEST(ReportTest, BothStatisticsAreThere) {
  const Report report = report_of(small_run());
  ASSERT_EQ(2U, report.views.size());
  EXPECT_EQ(report.views[0].statistic, Statistic::mean);
  EXPECT_EQ(report.views[1].statistic, Statistic::minimum);
  EXPECT_EQ(report.views[1].cells.at({"getpid", "multi", 0}).value.value, 309);
  EXPECT_EQ(report_of(small_run(), {.statistic = Statistic::minimum}).views[1].statistic, Statistic::mean);
}

TEST(ReportTest, RefusedIsAResultAndMissingIsNoZero) {
  auto samples = small_run();
  samples.push_back(sample("multi", 0, "clone", 1, 5000));
  const std::string text = text_of(report_of(samples));
  EXPECT_THAT(text, HasSubstr("refused (EINVAL)"));
  EXPECT_THAT(text, HasSubstr("–"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, Not(HasSubstr("inf ")));
  EXPECT_EQ(cell(report_of(samples), {"fork", "flat", 2}).state, Cell::State::refused);
}

TEST(ReportTest, RefusedInSomeBootsIsAnError) {
  auto samples = small_run();
  samples.push_back(sample("flat", 2, "fork", 4, 99000));
  const Report report = report_of(samples);
  EXPECT_EQ(cell(report, {"fork", "flat", 2}).state, Cell::State::inconsistent);
  EXPECT_THAT(report.inconsistent, ElementsAre(CellKey{"fork", "flat", 2}));
  EXPECT_THAT(text_of(report), HasSubstr("*** ERROR: fork on flat at depth 2 was refused (EINVAL) in 3 boots and "
                                         "measured in 1."));
  EXPECT_THAT(text_of(report, 80), HasSubstr("*** ERROR"));
}

TEST(ReportTest, CellsOfAKernelThatNeverBootedAreFailed) {
  RunRecord run = run_record();
  run.manifest = R"({"experiment": "name = \"small\"\n[[measure]]\nkernels = [\"multi\", \"flat\", \"list\"]\n)"
                 R"(depths = [0, 1]\nbenchmarks = [\"getpid\"]\n"})";
  run.failures = {{"flat", 9, "hung"}, {"list", 1, "list, seed 1: the kernel panicked\nits console"}, {"list", 2, "x"}};
  ReportOptions options;
  options.reference = "list";
  const Report report = report_of(small_run(), options, run);
  EXPECT_EQ(report.reference, "multi") << "nothing can be compared with a kernel that was not measured";
  EXPECT_THAT(report.failed, ElementsAre(CellKey{"getpid", "list", 0}, CellKey{"getpid", "list", 1}));
  const std::string text = text_of(report);
  EXPECT_THAT(text, HasSubstr("FAILED: 2 boots of list (seeds 1, 2). The first: list, seed 1: the kernel panicked\n"));
  EXPECT_THAT(text, HasSubstr("FAILED: 1 boot of flat (seed 9). The first: hung\n"));
  EXPECT_THAT(text, testing::ContainsRegex("getpid .* failed"));
  EXPECT_THAT(text,
              HasSubstr("*** No boot of the reference, list, was measured: differences are given against multi."));
}

TEST(ReportTest, NoneIsTheReferenceAtItsDepthZero) {
  auto samples = small_run();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    samples.push_back(sample("none", 0, "getpid", seed, 300));
    samples.push_back(refused("none", 1, "getpid", seed));
  }
  const Report report = report_of(samples);
  EXPECT_EQ(report.reference, "none");
  EXPECT_TRUE(report.reference_at_depth_zero);
  EXPECT_EQ(cell(report, {"getpid", "multi", 2}).against_reference->difference, 10);
  EXPECT_FALSE(cell(report, {"fork", "multi", 0}).against_reference);  // none has no fork here
  EXPECT_FALSE(report_of(samples, {.reference = "multi"}).reference_at_depth_zero);
}

TEST(ReportTest, TheControlIsTheFloor) {
  auto samples = small_run();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    samples.push_back(sample("multi-twin", 0, "fork", seed, 100150 + 1000 * seed));
    samples.push_back(sample("multi-known", 0, "fork", seed, 100064 + 1000 * seed));
  }
  const Report report = report_of(samples);
  EXPECT_TRUE(report.has_control);
  // Another layout moves fork by 150: flat's 100 is no difference. The positive control is called however small it is.
  EXPECT_EQ(cell(report, {"fork", "flat", 0}).against_reference->verdict, Verdict::equivalent);
  EXPECT_EQ(cell(report, {"fork", "flat", 1}).against_reference->verdict, Verdict::less);
  EXPECT_EQ(cell(report, {"fork", "multi-known", 0}).against_reference->verdict, Verdict::more);
  EXPECT_EQ(cell(report, {"fork", "multi-known", 0}).against_reference->difference, 64);
}

TEST(ReportTest, AnswersOnlyForKernelsThatAreThere) {
  const Report report = report_of(small_run());
  const auto& answers = report.views.front().answers;
  ASSERT_EQ(4U, answers.size());  // multi and flat: two benchmarks, depths 0 and 1
  EXPECT_EQ(answers[0].benchmark, "fork");
  const std::string text = text_of(report);
  EXPECT_THAT(
      text,
      HasSubstr(
          "fork, depth 1: flat saves exactly 100 instructions (−0.10 %) against multi: costs less (within 1 %)."));
  EXPECT_THAT(text, HasSubstr("getpid, depth 0: multi and flat cost exactly the same in each of 3 pairs of boots."));
}

TEST(ReportTest, MainEffectsAreMeansAndInteractionsDifferencesOfDifferences) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    samples.push_back(sample("multi", 0, "getpid", seed, 310 + seed));
    samples.push_back(sample("multi+cache", 0, "getpid", seed, 300 + seed));
    samples.push_back(sample("flat", 0, "getpid", seed, 309 + seed));
    samples.push_back(sample("flat+cache", 0, "getpid", seed, 297 + seed));
  }
  const std::string text = text_of(report_of(samples));
  // (−10 − 12) / 2, (−1 − 3) / 2, and −12 − (−10)
  EXPECT_THAT(text, HasSubstr("getpid, depth 0: the cache saves exactly 11 instructions (−3.5"));
  EXPECT_THAT(text, HasSubstr("getpid, depth 0: flat saves exactly 2 instructions (−0.6"));
  EXPECT_THAT(text, HasSubstr("getpid, depth 0: the cache saves exactly 2 more instructions in flat (12) than in multi "
                              "(10): they interact (within 1 %)."));
  EXPECT_THAT(text, HasSubstr("(the cache in flat against in multi): of 1 cells, they interact in 1, add up in "
                              "0, undecided: 0."));
}

/// getpid on the four kernels, in ten boots.
Report square(std::uint64_t multi, std::uint64_t cache, std::uint64_t flat, std::uint64_t both,
              std::optional<std::uint64_t> twin = {}) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    samples.push_back(sample("multi", 0, "getpid", seed, multi + seed));
    samples.push_back(sample("multi+cache", 0, "getpid", seed, cache + seed));
    samples.push_back(sample("flat", 0, "getpid", seed, flat + seed));
    samples.push_back(sample("flat+cache", 0, "getpid", seed, both + seed));
    if (twin) samples.push_back(sample("multi-twin", 0, "getpid", seed, *twin + seed));
  }
  return report_of(samples);
}

const ContrastAnswer& interaction_of(const Report& report) {
  const auto& answers = report.views.front().answers;
  return *std::find_if(answers.begin(), answers.end(), [](const auto& a) { return a.contrast.interaction; });
}

TEST(ReportTest, AnInteractionIsSaidOfWhatTheOptionDoes) {
  // Both kernels with the cache cost the same: it saves less where there is less to save.
  const Report saves = square(318, 251, 305, 251);
  EXPECT_EQ(interaction_of(saves).effect_a, -67);
  EXPECT_EQ(interaction_of(saves).effect_b, -54);
  EXPECT_THAT(text_of(saves),
              HasSubstr("the cache saves exactly 13 fewer instructions in flat (54) than in multi (67): "
                        "they interact."));
  EXPECT_THAT(text_of(saves), Not(HasSubstr("the cache in flat costs")));
  EXPECT_THAT(
      text_of(square(300, 310, 300, 330)),
      HasSubstr("the cache costs exactly 20 more instructions in flat (30) than in multi (10): they interact."));
  EXPECT_THAT(
      text_of(square(300, 330, 300, 310)),
      HasSubstr("the cache costs exactly 20 fewer instructions in flat (10) than in multi (30): they interact."));
  EXPECT_THAT(
      text_of(square(300, 290, 300, 310)),
      HasSubstr("the cache costs exactly 20 more instructions in flat (+10) than in multi (−10): they interact."));
  EXPECT_THAT(
      text_of(square(300, 290, 280, 270)),
      HasSubstr("the cache saves exactly as much in flat as in multi (10), in each of 10 pairs of boots: they add "
                "up (within 1 %)."));
}

TEST(ReportTest, TheMarginOfAnInteractionIsOfOneKernelsCost) {
  // 15 is 1.5 % of what a getpid costs here, and 0.75 % of what two do.
  const Comparison c = interaction_of(square(1000, 1000, 1000, 1015)).comparison;
  EXPECT_EQ(c.difference, 15);
  EXPECT_FALSE(c.within_margin);
  EXPECT_EQ(c.verdict, Verdict::more);
  EXPECT_TRUE(interaction_of(square(1000, 1000, 1000, 1009)).comparison.within_margin);
}

TEST(ReportTest, TheFloorOfAnInteractionIsLargerByTheRootOfTwo) {
  // One other layout moves a getpid by 10.
  const Report report = square(300, 300, 300, 312, 310);
  const Comparison& interaction = interaction_of(report).comparison;
  const Comparison& pair = *cell(report, {"getpid", "flat+cache", 0}).against_reference;
  EXPECT_NEAR(10, *pair.floor, 0.01);
  EXPECT_NEAR(std::sqrt(2) * *pair.floor, *interaction.floor, 1e-9);
  EXPECT_EQ(pair.difference, 12);
  EXPECT_EQ(pair.verdict, Verdict::more);
  EXPECT_EQ(interaction.difference, 12);
  EXPECT_EQ(interaction.verdict, Verdict::undecided);
}

TEST(ReportTest, TheSameDifferenceTwiceIsNotCertain) {
  std::vector<Sample> samples;
  for (const std::uint64_t seed : {1, 2}) {
    samples.push_back(sample("multi", 0, "getpid", seed, 101));
    samples.push_back(sample("flat", 0, "getpid", seed, 102));
    samples.push_back(sample("flat+cache", 0, "getpid", seed, 34));
  }
  const auto minimum = [&](const char* kernel) {
    return *report_of(samples, {.statistic = Statistic::minimum})
                .views.front()
                .cells.at({"getpid", kernel, 0})
                .against_reference;
  };
  EXPECT_TRUE(minimum("flat").exact);
  EXPECT_EQ(minimum("flat").difference, 1);
  EXPECT_EQ(minimum("flat").verdict, Verdict::undecided);
  EXPECT_EQ(minimum("flat+cache").difference, -67);
  EXPECT_EQ(minimum("flat+cache").verdict, Verdict::less);
  // The mean of 100 repetitions is known a hundred times as well.
  EXPECT_EQ(cell(report_of(samples), {"getpid", "flat", 0}).against_reference->verdict, Verdict::more);
}

/// The summary's fact of this name; empty without one.
std::string fact_of(const Report& report, const std::string& name) {
  const Document document = describe(report);
  for (const auto& [fact, text] : document.at(1).facts) {
    if (fact == name) return text;
  }
  return "";
}

TEST(SummaryTest, NamesKernelsAndDepth) {
  auto samples = small_run();
  for (Sample& s : samples) {
    if (s.benchmark == "fork") s.benchmark = "fork_exit_wait";
  }
  const Report report = report_of(samples);
  EXPECT_THAT(fact_of(report, "compared"),
              AllOf(HasSubstr("multi and flat at depths 0 to 2, in 2 benchmarks: mean instructions per operation, 3 "
                              "boots a cell, ± the 95 % interval"),
                    HasSubstr("linux-6.12, profile lean, condition quiet, tcg with icount")));
  EXPECT_THAT(fact_of(report, "kernels"),
              HasSubstr("fork_exit_wait at depth 1, in instructions against multi at the same depth, from 3 pairs of "
                        "boots: flat −100 exact (−0.10 %). Of all operations the largest saving is fork_exit_wait "
                        "on flat −100 exact"));
  EXPECT_THAT(fact_of(report, "depth"), HasSubstr("fork_exit_wait at depth 2, in instructions beyond depth 0 of the "
                                                  "same kernel, from 3 pairs of boots: multi +100 exact (+0.10 %)"));
  EXPECT_EQ(fact_of(report, "growth"), "");
  EXPECT_EQ(fact_of(report, "controls"), "");
  RunRecord run = run_record();
  run.measurable = false;
  EXPECT_THAT(fact_of(report_of(samples, {}, run), "compared"), HasSubstr("NOT FOR MEASUREMENT"));
}

TEST(SummaryTest, IsTheDatasAndNotTheProgrammers) {
  auto samples = small_run();
  for (Sample& s : samples) {
    if (s.kernel == "flat" && s.status == CellStatus::ok && s.benchmark == "fork") s.sum += 200 * s.iterations;
  }
  EXPECT_THAT(fact_of(report_of(samples), "kernels"), HasSubstr("fork at depth 1, in instructions against multi at the "
                                                                "same depth, from 3 pairs of boots: flat +100 exact"));
}

/// none at depth 0 and multi at these depths: the cost of ps falls by the processes that a namespace does not show.
std::vector<Sample> run_against_none(const std::vector<int>& depths, const char* process) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    samples.push_back(sample("none", 0, "ps", seed, 1000));
    samples.push_back(sample("none", 0, process, seed, 5000));
    for (const int depth : depths) {
      samples.push_back(sample("multi", depth, "ps", seed, depth == 0 ? 990 : 600));
      samples.push_back(sample("multi", depth, process, seed, depth == 0 ? 5000 : 5100));
    }
  }
  return samples;
}

TEST(SummaryTest, ComparesAcrossDepthsOnlyWhatDoesTheSameWorkThere) {
  EXPECT_EQ(fact_of(report_of(run_against_none({0, 1}, "nptl")), "kernels"),
            "nptl at depth 1, in instructions against mainline's PID_NS=n (none) at depth 0 (it allows no other "
            "depth), from 3 pairs of "
            "boots: multi +100 exact (+2.00 %). Of all operations, both kernels at depth 0, the largest saving is ps "
            "on multi −10 exact (−1.00 %).");
  EXPECT_EQ(fact_of(report_of(run_against_none({1}, "nptl")), "kernels"),
            "nptl at depth 1, in instructions against mainline's PID_NS=n (none) at depth 0 (it allows no other "
            "depth), from 3 pairs of "
            "boots: multi +100 exact (+2.00 %).");
  auto nothing_at_zero = run_against_none({0, 1}, "nptl");
  for (Sample& s : nothing_at_zero) {
    if (s.kernel == "multi" && s.depth == 0 && s.benchmark == "ps") s.sum = 1000 * s.iterations;
  }
  EXPECT_THAT(fact_of(report_of(nothing_at_zero), "kernels"),
              testing::EndsWith(" No difference is decided in any operation, both kernels at depth 0."));
  // No operation stands for the run: they are compared at depth 0, or not at all.
  EXPECT_THAT(
      fact_of(report_of(run_against_none({0, 1}, "readdir")), "kernels"),
      testing::StartsWith(
          "ps at depth 0, in instructions against mainline's PID_NS=n (none) at depth 0 (it allows no other depth), "
          "from 3 pairs of boots: multi −10 exact (−1.00 %)"));
  EXPECT_EQ(fact_of(report_of(run_against_none({1}, "readdir")), "kernels"),
            "not compared: the reference, none, has depth 0 alone, and no other kernel was measured there with the "
            "same seeds.");
}

TEST(SummaryTest, OfManyKernelsNamesTheEnds) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const auto& [kernel, cost] : {std::pair("none", 1000U), std::pair("multi", 1010U), std::pair("flat", 990U),
                                       std::pair("list", 1050U), std::pair("static3", 1020U), std::pair("nons", 995U)})
      samples.push_back(sample(kernel, 0, "nptl", seed, cost));
  }
  const Report report = report_of(samples);
  EXPECT_THAT(fact_of(report, "compared"), HasSubstr("6 kernels at depth 0, in 1 benchmark"));
  EXPECT_THAT(fact_of(report, "kernels"),
              HasSubstr("5 kernels, from flat −10 exact (−1.00 %) to list +50 exact (+5.00 %)"));
  EXPECT_EQ(fact_of(report, "depth"), "");
}

TEST(SummaryTest, SaysWhatTheControlsShow) {
  auto samples = small_run();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const int depth : {0, 1}) {
      samples.push_back(sample("multi-twin", depth, "getpid", seed, 310));
      samples.push_back(sample("multi-known", depth, "getpid", seed, 320));
    }
  }
  EXPECT_THAT(
      fact_of(report_of(samples), "controls"),
      AllOf(HasSubstr("multi-twin against multi: a difference was found in 0 of 2 cells"),
            HasSubstr("multi-known against multi: a difference was found in 2 of 2 cells, from +10 exact (+3.23 "
                      "%) in getpid at depth 0 to +10 exact")));
}

TEST(SummaryTest, NamesTheSteepestAndTheFlattestCurve) {
  RunRecord run = run_record();
  run.manifest = R"({"curves": {
    "fork_processes_10": {"series": "fork", "quantity": "processes", "value": 10},
    "fork_processes_1000": {"series": "fork", "quantity": "processes", "value": 1000},
    "ps_processes_10": {"series": "ps", "quantity": "processes", "value": 10},
    "ps_processes_1000": {"series": "ps", "quantity": "processes", "value": 1000}}})";
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const auto& [benchmark, cost] : {std::pair("fork_processes_10", 500U), std::pair("fork_processes_1000", 500U),
                                          std::pair("ps_processes_10", 500U), std::pair("ps_processes_1000", 50000U)})
      samples.push_back(sample("multi", 0, benchmark, seed, cost));
  }
  EXPECT_THAT(fact_of(report_of(samples, {}, run), "growth"),
              AllOf(HasSubstr("Of 2 curves the steepest is ps against processes on multi at depth 0, × 100 from 10 to "
                              "1,000 (exponent +1.000"),
                    HasSubstr("the flattest is fork against processes on multi at depth 0, × 1.00")));
}

/// A timed run of fork on 1, 2, 4 and 8 vCPUs after a law with λ of 1 million a second, σ of 0.1 and κ of 0.01, on
/// multi; on flat one vCPU alone, as two are refused.
Report contended_report(std::uint64_t steal = 0, const std::string& clock = "kvm-clock") {
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "kvm";
  Json curves = Json::object();
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const std::uint64_t vcpus : {1, 2, 4, 8}) {
      const std::string benchmark = fmt::format("smp_fork_nested_{}", vcpus);
      curves[benchmark] = {{"series", "fork_nested"}, {"quantity", "vCPUs"}, {"value", vcpus}};
      const Usl law{1e6 * static_cast<double>(9 + seed) / 11, 0.1, 0.01};
      const double cost = 1e9 / law.throughput(static_cast<double>(vcpus));
      Sample s = sample("multi", 0, benchmark, seed, static_cast<std::uint64_t>(cost));
      s.sum = static_cast<std::uint64_t>(cost * 100);
      s.layout = fmt::format(
          R"({{"clock":"{}","clock_step_ns":10,"count_page_faults":{},"counted_operations":400,"steal_ticks":{},)"
          R"("worker_1_operations":400,"worker_2_operations":300}})",
          clock, 400 * 12, steal);
      samples.push_back(s);
      samples.push_back(vcpus == 1 ? sample("flat", 0, benchmark, seed, 1000) : refused("flat", 0, benchmark, seed));
    }
  }
  run.manifest = to_text(Json{{"curves", curves}});
  return report_of(samples, {}, run);
}

TEST(ReportTest, ThroughputGrowsWithVcpusByALaw) {
  const Report report = contended_report();
  const View& view = report.views.front();
  EXPECT_TRUE(view.growths.empty());  // one place for it is enough
  ASSERT_EQ(view.scalings.size(), 2U);
  const Scaling& multi = view.scalings[0];
  EXPECT_EQ(multi.series, "fork_nested");
  ASSERT_EQ(multi.points.size(), 4U);
  EXPECT_NEAR(multi.points[0].throughput.value, 1e6, 1e4);
  EXPECT_NEAR(multi.points[1].fairness.value, 0.75, 1e-9);
  EXPECT_EQ(multi.law.n, 3);
  EXPECT_NEAR(multi.law.lambda.value, 1e6, 1e4);
  EXPECT_NEAR(multi.law.sigma.value, 0.1, 1e-3);
  EXPECT_NEAR(multi.law.kappa.value, 0.01, 1e-4);
  EXPECT_EQ(view.scalings[1].refusal, "EINVAL");
  EXPECT_EQ(view.scalings[1].refused_at, 2);
  EXPECT_EQ(view.scalings[1].law.n, 0);
  const std::string text = text_of(report);
  EXPECT_THAT(text, AllOf(HasSubstr("How it scales"), HasSubstr("× 1.79 [1.79, 1.79], fair 0.75"),
                          HasSubstr("refused (EINVAL)"), HasSubstr("most beyond 8 (9.5)")));
}

TEST(ReportTest, WhatTimedGuestsSawIsTold) {
  const Report report = contended_report();
  EXPECT_NEAR(cell(report, {"smp_fork_nested_8", "multi", 0}).counts.at("page_faults").value, 12, 1e-9);
  const std::string text = text_of(report);
  EXPECT_THAT(text, AllOf(HasSubstr("What the guest counted"), HasSubstr("page faults"), HasSubstr("12.00 exact"),
                          HasSubstr("absent: this machine offers no hardware counters to the guest")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("clocksource")), Not(HasSubstr("steal"))));
  EXPECT_THAT(text_of(contended_report(3)),
              HasSubstr("took the guest's CPUs away for 36 ticks of 10 ms (steal), in 12 samples"));
  EXPECT_THAT(text_of(contended_report(0, "hpet")),
              HasSubstr("clocksource was hpet in 12 samples, and neither tsc nor kvm-clock. Reading it may take long"));
}

TEST(ReportTest, HardwareCountersThatTookTurnsAreTold) {
  Sample counted = sample("multi", 0, "fork_exit_wait", 1, 1000);
  counted.layout = R"({"clock":"tsc","count_cycles":4000,"counted_operations":100,"counter_share":663})";
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "kvm";
  const std::string text = text_of(report_of({counted, sample("flat", 0, "fork_exit_wait", 1, 1000)}, {}, run));
  EXPECT_THAT(text, AllOf(HasSubstr("cycles"), HasSubstr("Each counted for at least 66.3 % of the time")));
}

TEST(ReportTest, WhereTheKernelsCodeLayIsTold) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const char* const kernel : {"multi", "flat"}) {
      samples.push_back(sample(kernel, 0, "fork", seed, 1000));
      const std::uint64_t moved = kernel == std::string("multi") ? seed : 1;
      samples.back().layout = fmt::format(R"({{"clock":"tsc","kernel_text":{}}})", moved << 21);
    }
  }
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "kvm";
  const std::string text = text_of(report_of(samples, {}, run));
  EXPECT_THAT(text, HasSubstr("chooses at random at each boot: flat 1 in 3 boots, multi 3 in 3 boots"));
  EXPECT_THAT(text, HasSubstr("The code lay at one address in all boots of flat: it chooses no address at random"));
}

TEST(SummaryTest, StandsAtBothEndsOfATerminalsReport) {
  const Document document = describe_for_terminal(report_of(small_run()), {{"page", "there/report.html"}});
  EXPECT_EQ(document.at(1).facts, document.back().facts);
  EXPECT_EQ(document.back().facts.back().second, "there/report.html");
}

TEST(ReportTest, CellsWhoseBootsFallIntoGroupsAreNamed) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    samples.push_back(sample("multi", 0, "vfork", seed, seed % 3 == 0 ? 45001 : 38001));
    samples.push_back(sample("multi", 0, "getpid", seed, 310));
  }
  const std::string text = text_of(report_of(samples));
  EXPECT_THAT(text, HasSubstr("In some cells the boots fall into a few distinct groups by their minimum"));
  EXPECT_THAT(text, HasSubstr("- vfork, in 1 of 1 cells, as on multi at depth 0: 4 boots at 38,000, 2 boots at "
                              "45,000.\n"));
  EXPECT_THAT(text, Not(HasSubstr("- getpid, in")));
}

TEST(ReportTest, TheMarksAreExplainedAtEachTableThatHasThem) {
  const std::string text = text_of(report_of(small_run()));
  int legends = 0;
  for (auto at = text.find("? undecided. The verdict goes"); at != std::string::npos;
       at = text.find("? undecided. The verdict goes", at + 1))
    ++legends;
  EXPECT_EQ(legends, 4) << "costs, and depth, by two statistics";
}

TEST(ReportTest, SaysWhatAReaderMustKnow) {
  RunRecord run = run_record();
  run.profile = "mini";
  run.measurable = false;
  run.boots_done = 4;
  run.finished = "";
  auto samples = small_run();
  samples[0].involuntary_switches = 2;
  samples[1].iterations = 50;
  const Report report = report_of(samples, {}, run);
  EXPECT_THAT(report.switched, ElementsAre(CellKey{"fork", "multi", 0}));
  const std::string text = text_of(report);
  EXPECT_THAT(text, HasSubstr("*** PROFILE mini: NOT FOR MEASUREMENT"));
  EXPECT_THAT(text, HasSubstr("*** INCOMPLETE: 2 of 6 boots are missing"));
  EXPECT_THAT(text, HasSubstr("Run the same 'nslab run' command again: it continues."));
  EXPECT_THAT(
      text, HasSubstr("the kernel did work of its own during a repetition. The mean is meant to include that work, and "
                      "the minimum shows the cost without it. These cells had involuntary context switches (how many, "
                      "in all boots together): fork on multi at depth 0 (2). "));
  EXPECT_THAT(text, HasSubstr("getpid: the number of repetitions is not the same in all cells (it is 50 to 100)"));
  EXPECT_THAT(text, HasSubstr("does not see caches"));
  EXPECT_THAT(text, HasSubstr("accelerator tcg"));
  run.meter = Meter::time;
  EXPECT_THAT(text_of(report_of(samples, {}, run)), HasSubstr("*** Something else ran on the vCPU now"));
}

TEST(ReportTest, OfAnyProfileThatIsNotForMeasurementSaysSo) {
  RunRecord run = run_record();
  EXPECT_THAT(text_of(report_of(small_run(), {}, run)), Not(HasSubstr("NOT FOR MEASUREMENT")));
  run.profile = "debug";
  run.measurable = false;
  EXPECT_THAT(
      text_of(report_of(small_run(), {}, run)),
      AllOf(HasSubstr("*** PROFILE debug: NOT FOR MEASUREMENT"),
            HasSubstr(
                "accelerator tcg with icount, PROFILE debug: NOT FOR MEASUREMENT, condition quiet, 3 boots a cell")));
}

TEST(ReportTest, TimeUnderAnEmulatorIsNotRepresentative) {
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "tcg";
  const std::string emulated = text_of(report_of(small_run(), {}, run));
  EXPECT_THAT(emulated, HasSubstr("*** TCG wall time: not representative."));
  EXPECT_THAT(emulated, HasSubstr("Mean ns per operation (time meter, accelerator tcg, TCG wall time: not "
                                  "representative, condition quiet, 3 boots a cell)"));
  EXPECT_THAT(emulated, Not(HasSubstr("KVM")));
  run.accelerator = "kvm";
  EXPECT_THAT(text_of(report_of(small_run(), {}, run)), Not(HasSubstr("representative")));
  EXPECT_THAT(text_of(report_of(small_run())), Not(HasSubstr("representative")));
}

/// multi's levels cost 50 under quiet and 400 under host; flat saves 100 under quiet and costs 30 more under host.
Report under_two_conditions() {
  std::vector<std::vector<Sample>> all(2);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const bool host : {false, true}) {
      for (const int depth : {0, 1}) {
        const auto add = [&](const char* kernel, std::uint64_t cost) {
          all[host ? 1 : 0].push_back(sample(kernel, depth, "fork_exit_wait", seed, cost + seed));
          all[host ? 1 : 0].back().condition = host ? "host" : "quiet";
        };
        const auto level = static_cast<std::uint64_t>(depth) * (host ? 400 : 50);
        add("multi", 10'000 + level);
        add("flat", 10'000 + level + (host ? 30 : 0) - (host ? 0 : 100));
      }
    }
  }
  Report report = report_of(all[0]);
  report.elsewhere.push_back(report_of(all[1]));
  return report;
}

TEST(ReportTest, FiguresOfTwoConditionsAreNotMixed) {
  std::vector<Sample> samples = small_run();
  samples.back().condition = "host";
  const auto report = make_report(run_record(), samples, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().exit, Exit::user);
  EXPECT_THAT(report.error().message, HasSubstr("has samples of the conditions 'quiet' and 'host'"));
}

TEST(ReportTest, WhatDependsOnTheConditionStandsSideBySide) {
  const Report report = under_two_conditions();
  EXPECT_EQ(report.elsewhere.at(0).condition, "host");
  const std::string text = text_of(report);
  EXPECT_THAT(text, HasSubstr("This run has other conditions as well: host."));
  EXPECT_THAT(text, HasSubstr("- host: ids from 300000, 8 residents a namespace, in a container's cgroup"));
  EXPECT_THAT(text, testing::ContainsRegex("fork_exit_wait +flat, depth 1 +−100 exact < +\\+30 exact > +REVERSES"));
  EXPECT_THAT(text, testing::ContainsRegex("fork_exit_wait +multi, depth 1 +\\+50 exact > +\\+400 exact >"));
  EXPECT_THAT(text_of(report.elsewhere.at(0)), HasSubstr("condition host, 3 boots a cell"));
  EXPECT_THAT(text_of(report.elsewhere.at(0)), testing::Not(HasSubstr("What depends on the condition")));
}

TEST(ReportTest, UnequalSeedsAreSaid) {
  auto samples = small_run();
  samples.push_back(sample("flat", 0, "fork", 9, 100900));
  const Report report = report_of(samples);
  EXPECT_EQ(cell(report, {"fork", "flat", 0}).against_reference->pairs, 3);
  EXPECT_EQ(report.unpaired_cells, 1);
  EXPECT_EQ(report.fewest_pairs, 3);
  EXPECT_THAT(text_of(report), HasSubstr("*** 1 cell has boots whose seed the reference lacks."));
  EXPECT_THAT(text_of(report), HasSubstr("the cell with the fewest has 3."));
}

TEST(ReportTest, OneBootHasNoIntervalAndNoVerdict) {
  const Report report = report_of({sample("multi", 0, "getpid", 1, 310), sample("flat", 0, "getpid", 1, 290)});
  const Cell& flat = cell(report, {"getpid", "flat", 0});
  EXPECT_FALSE(flat.value.interval);
  EXPECT_EQ(flat.against_reference->verdict, Verdict::undecided);
  EXPECT_THAT(text_of(report), HasSubstr("undecided"));
}

TEST(ReportTest, UsersMistakes) {
  EXPECT_EQ(make_report(run_record(), {}, {}).error().exit, Exit::user);
  const auto wrong = make_report(run_record(), small_run(), {.reference = "mutli"});
  EXPECT_EQ(wrong.error().exit, Exit::user);
  EXPECT_THAT(wrong.error().message, HasSubstr("multi, flat"));
  EXPECT_EQ(make_report(run_record(), small_run(), {.level = 95}).error().exit, Exit::user);
  auto twice = small_run();
  twice.push_back(twice.front());
  EXPECT_EQ(make_report(run_record(), twice, {}).error().exit, Exit::user);
  RunRecord failed = run_record();
  failed.failures = {{"multi", 7, "multi, seed 7: the kernel panicked"}};
  EXPECT_THAT(make_report(failed, {}, {}).error().message,
              HasSubstr("all its boots failed. The first: multi, seed 7: the kernel panicked"));
}

/// fork's cost at 10 and 1,000 processes, proportional to them on multi at depth 0 and constant one level down; three
/// seeds of which the last lacks a size.
Report growing_report() {
  RunRecord run = run_record();
  run.manifest = R"({"curves": {
    "fork_processes_10": {"series": "fork", "quantity": "processes", "value": 10},
    "fork_processes_1000": {"series": "fork", "quantity": "processes", "value": 1000}}})";
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (int depth = 0; depth <= 1; ++depth) {
      samples.push_back(sample("multi", depth, "fork_processes_10", seed, 500));
      if (seed < 3) samples.push_back(sample("multi", depth, "fork_processes_1000", seed, depth == 0 ? 50'000 : 500));
    }
    samples.push_back(sample("multi", 0, "getpid", seed, 310));
  }
  return report_of(samples, {}, run);
}

TEST(ReportTest, GrowthIsASlopeOverTheBootsWithAllSizes) {
  const Report report = growing_report();
  const std::vector<Growth>& growths = report.views.front().growths;
  ASSERT_EQ(2U, growths.size());
  EXPECT_EQ(growths[0].series, "fork");
  EXPECT_EQ(growths[0].quantity, "processes");
  EXPECT_EQ(growths[0].depth, 0);
  EXPECT_EQ(growths[0].slope.n, 2);
  EXPECT_NEAR(1, growths[0].slope.value, 1e-12);
  EXPECT_EQ(growths[1].depth, 1);
  EXPECT_NEAR(0, growths[1].slope.value, 1e-12);
  const std::string text = markdown_of(report);
  EXPECT_THAT(text, HasSubstr("## How cost grows"));
  EXPECT_THAT(text, HasSubstr("10 to 1,000"));
  EXPECT_THAT(text, HasSubstr("× 100"));
}

TEST(ReportTest, WithoutCurvesThereIsNoGrowth) {
  EXPECT_TRUE(report_of(small_run()).views.front().growths.empty());
  EXPECT_THAT(markdown_of(report_of(small_run())), Not(HasSubstr("How cost grows")));
}

TEST(ReportTest, KernelsAreInReadingOrder) {
  std::vector<std::string> kernels = {"flat+cache", "multi-twin", "multi+cache", "none", "flat", "multi"};
  sort_kernels(kernels);
  EXPECT_EQ(kernels, (std::vector<std::string>{"none", "multi", "multi+cache", "flat", "flat+cache", "multi-twin"}));
}

TEST(ReportTest, StatisticNames) {
  for (const Statistic s : {Statistic::mean, Statistic::minimum, Statistic::median}) {
    EXPECT_EQ(s, statistic_from(name_of(s)));
  }
  EXPECT_FALSE(statistic_from("max"));
}

TEST(ReportTest, TextFitsTheTerminal) {
  for (const int columns : {60, 80, 120}) {
    std::string text = text_of(report_of(small_run()), columns);
    for (std::size_t start = 0, end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
      EXPECT_LE(display_width(text.substr(start, end - start)), columns) << text.substr(start, end - start);
    }
  }
}

TEST(ReportTest, EqualInputGivesEqualOutput) {
  auto shuffled = small_run();
  std::reverse(shuffled.begin(), shuffled.end());
  EXPECT_EQ(text_of(report_of(small_run()), 100), text_of(report_of(shuffled), 100));
  EXPECT_EQ(markdown_of(report_of(small_run())), markdown_of(report_of(shuffled)));
}

TEST(ReportTest, ControlsInAStoreStayOutOfThePages) {
  RunRecord run = run_record();
  run.experiment = "small\033]0;x\007";
  EXPECT_EQ(markdown_of(report_of(small_run(), {}, run)).find('\033'), std::string::npos);
}

}  // namespace
}  // namespace nslab
