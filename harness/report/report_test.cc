// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "report_document.h"

namespace nslab {
namespace {

Sample measured(const std::string& kernel, int depth, const std::string& benchmark, std::uint64_t seed,
                std::uint64_t cost) {
  Sample s;
  s.kernel = kernel;
  s.depth = depth;
  s.benchmark = benchmark;
  s.seed = seed;
  s.iterations = 100;
  s.sum = cost * 100;
  s.minimum = cost - 1;
  s.median = s.p90 = s.maximum = cost;
  return s;
}

Sample refused(const std::string& kernel, int depth, const std::string& benchmark, std::uint64_t seed) {
  Sample s;
  s.kernel = kernel;
  s.depth = depth;
  s.benchmark = benchmark;
  s.seed = seed;
  s.status = CellStatus::refused;
  s.refusal = "EINVAL";
  return s;
}

RunRecord run_record() {
  RunRecord run;
  run.id = 7;
  run.experiment = "small";
  run.meter = "instructions";
  run.unit = "instructions";
  run.profile = "lean";
  run.base = "linux-6.12";
  run.started = "2026-11-23T20:00:00Z";
  run.finished = "2026-11-23T21:00:00Z";
  run.boots_planned = run.boots_done = 6;
  return run;
}

/// multi and flat at depths 0 to 2, three seeds that move fork by thousands; flat saves 100 of it and is refused at
/// depth 2.
std::vector<Sample> small_run() {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (int depth = 0; depth <= 2; ++depth) {
      const std::uint64_t fork = 100000 + 1000 * seed + 50 * static_cast<std::uint64_t>(depth);
      samples.push_back(measured("multi", depth, "fork", seed, fork));
      samples.push_back(measured("multi", depth, "getpid", seed, 310));
      if (depth == 2) {
        samples.push_back(refused("flat", depth, "fork", seed));
        samples.push_back(refused("flat", depth, "getpid", seed));
      } else {
        samples.push_back(measured("flat", depth, "fork", seed, fork - 100));
        samples.push_back(measured("flat", depth, "getpid", seed, 310));
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

const Cell& cell(const Report& report, const CellKey& key) { return report.views.front().cells.at(key); }

TEST(ReportTest, CellsAreMeansOverBootsAndPairsBySeed) {
  const Report report = report_of(small_run());
  EXPECT_EQ("multi", report.reference);
  EXPECT_EQ((std::vector<std::string>{"multi", "flat"}), report.kernels);
  EXPECT_EQ((std::vector<int>{0, 1, 2}), report.depths);
  const Cell& flat = cell(report, {"fork", "flat", 1});
  EXPECT_EQ(3, flat.value.n);
  EXPECT_DOUBLE_EQ(101950, flat.value.value);  // 100,000 + 2,000 + 50 - 100
  // The seeds' spread of 1,000 is in the cell's own interval, 4.303 * 1000 / sqrt(3), but not in the difference.
  EXPECT_NEAR(2484.1, flat.value.interval->high - flat.value.value, 0.1);
  ASSERT_TRUE(flat.against_reference);
  EXPECT_TRUE(flat.against_reference->exact);
  EXPECT_DOUBLE_EQ(-100, flat.against_reference->difference);
  EXPECT_EQ(Verdict::faster, flat.against_reference->verdict);
  EXPECT_DOUBLE_EQ(50, flat.depth_cost->difference);
  EXPECT_FALSE(cell(report, {"fork", "multi", 1}).against_reference);
  EXPECT_FALSE(cell(report, {"fork", "multi", 0}).depth_cost);
}

TEST(ReportTest, BothStatisticsAreThere) {
  const Report report = report_of(small_run());
  ASSERT_EQ(2U, report.views.size());
  EXPECT_EQ(Statistic::mean, report.views[0].statistic);
  EXPECT_EQ(Statistic::minimum, report.views[1].statistic);
  EXPECT_EQ(309, report.views[1].cells.at({"getpid", "multi", 0}).value.value);
  EXPECT_EQ(Statistic::mean, report_of(small_run(), {.statistic = Statistic::minimum}).views[1].statistic);
}

TEST(ReportTest, RefusedIsAResultAndMissingIsNoZero) {
  auto samples = small_run();
  samples.push_back(measured("multi", 0, "clone", 1, 5000));
  const std::string text = render_text(report_of(samples), 0);
  EXPECT_NE(std::string::npos, text.find("refused (EINVAL)"));
  EXPECT_NE(std::string::npos, text.find("–"));
  EXPECT_EQ(std::string::npos, text.find("nan"));
  EXPECT_EQ(std::string::npos, text.find("inf "));
  EXPECT_EQ(Cell::State::refused, cell(report_of(samples), {"fork", "flat", 2}).state);
}

TEST(ReportTest, RefusedInSomeBootsIsAnError) {
  auto samples = small_run();
  samples.push_back(measured("flat", 2, "fork", 4, 99000));
  const Report report = report_of(samples);
  EXPECT_EQ(Cell::State::inconsistent, cell(report, {"fork", "flat", 2}).state);
  ASSERT_EQ(1U, report.errors.size());
  EXPECT_NE(std::string::npos, report.errors[0].find("refused (EINVAL) in 3 boots and measured in 1"));
  EXPECT_NE(std::string::npos, render_text(report, 80).find("*** ERROR"));
}

TEST(ReportTest, NoneIsTheReferenceAtItsDepthZero) {
  auto samples = small_run();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    samples.push_back(measured("none", 0, "getpid", seed, 300));
    samples.push_back(refused("none", 1, "getpid", seed));
  }
  const Report report = report_of(samples);
  EXPECT_EQ("none", report.reference);
  EXPECT_TRUE(report.reference_at_depth_zero);
  EXPECT_EQ(10, cell(report, {"getpid", "multi", 2}).against_reference->difference);
  EXPECT_FALSE(cell(report, {"fork", "multi", 0}).against_reference);  // none has no fork here
  EXPECT_FALSE(report_of(samples, {.reference = "multi"}).reference_at_depth_zero);
}

TEST(ReportTest, TheControlIsTheFloor) {
  auto samples = small_run();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    samples.push_back(measured("multi-twin", 0, "fork", seed, 100150 + 1000 * seed));
    samples.push_back(measured("multi-known", 0, "fork", seed, 100064 + 1000 * seed));
  }
  const Report report = report_of(samples);
  EXPECT_TRUE(report.has_control);
  // Another layout moves fork by 150: flat's 100 is no difference. The positive control is not held to the floor.
  EXPECT_EQ(Verdict::equivalent, cell(report, {"fork", "flat", 0}).against_reference->verdict);
  EXPECT_EQ(Verdict::faster, cell(report, {"fork", "flat", 1}).against_reference->verdict);
  EXPECT_EQ(Verdict::slower, cell(report, {"fork", "multi-known", 0}).against_reference->verdict);
  EXPECT_EQ(64, cell(report, {"fork", "multi-known", 0}).against_reference->difference);
}

TEST(ReportTest, AnswersOnlyForKernelsThatAreThere) {
  const Report report = report_of(small_run());
  const auto& answers = report.views.front().answers;
  ASSERT_EQ(4U, answers.size());  // multi and flat: two benchmarks, depths 0 and 1
  EXPECT_EQ("fork", answers[0].benchmark);
  const std::string text = render_text(report, 0);
  EXPECT_NE(
      std::string::npos,
      text.find("fork, depth 1: flat saves exactly 100 instructions (−0.10 %, [−0.10, −0.10]) against multi: faster "
                "(within 1 %)."));
  EXPECT_NE(std::string::npos,
            text.find("getpid, depth 0: multi and flat cost the same, exactly, in each of 3 pairs."));
}

TEST(ReportTest, MainEffectsAreMeansAndInteractionsDifferencesOfDifferences) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    samples.push_back(measured("multi", 0, "getpid", seed, 310 + seed));
    samples.push_back(measured("multi+cache", 0, "getpid", seed, 300 + seed));
    samples.push_back(measured("flat", 0, "getpid", seed, 309 + seed));
    samples.push_back(measured("flat+cache", 0, "getpid", seed, 297 + seed));
  }
  const std::string text = render_text(report_of(samples), 0);
  // (−10 − 12) / 2, (−1 − 3) / 2, and −12 − (−10)
  EXPECT_NE(std::string::npos, text.find("getpid, depth 0: the cache saves exactly 11 instructions (−3.5")) << text;
  EXPECT_NE(std::string::npos, text.find("getpid, depth 0: flat saves exactly 2 instructions (−0.6")) << text;
  EXPECT_NE(std::string::npos,
            text.find("the cache with flat saves exactly 2 instructions against the cache with multi"))
      << text;
}

TEST(ReportTest, SaysWhatAReaderMustKnow) {
  RunRecord run = run_record();
  run.profile = "mini";
  run.boots_done = 4;
  run.finished = "";
  auto samples = small_run();
  samples[0].involuntary_switches = 2;
  samples[1].iterations = 50;
  const std::string text = render_text(report_of(samples, {}, run), 0);
  EXPECT_NE(std::string::npos, text.find("*** PROFILE mini: NOT FOR MEASUREMENT"));
  EXPECT_NE(std::string::npos, text.find("*** INCOMPLETE: 2 of 6 boots are missing"));
  EXPECT_NE(std::string::npos,
            text.find("other work      now and then, by involuntary context switches in all boots together: "
                      "fork on multi at depth 0 (2). "))
      << text;
  EXPECT_NE(std::string::npos, text.find("getpid: the number of repetitions is not the same in all cells (50 to 100)"));
  EXPECT_NE(std::string::npos, text.find("does not see caches"));
  EXPECT_NE(std::string::npos, text.find("accelerator tcg"));
  run.meter = "time";
  EXPECT_NE(std::string::npos,
            render_text(report_of(samples, {}, run), 0).find("*** Something else ran on the vCPU now"));
}

TEST(ReportTest, UnequalSeedsAreSaid) {
  auto samples = small_run();
  samples.push_back(measured("flat", 0, "fork", 9, 100900));
  const Report report = report_of(samples);
  EXPECT_EQ(3, cell(report, {"fork", "flat", 0}).against_reference->pairs);
  ASSERT_EQ(1U, report.warnings.size());
  EXPECT_NE(std::string::npos, report.warnings[0].find("(3 in the poorest cell)"));
}

TEST(ReportTest, OneBootHasNoIntervalAndNoVerdict) {
  const Report report = report_of({measured("multi", 0, "getpid", 1, 310), measured("flat", 0, "getpid", 1, 290)});
  const Cell& flat = cell(report, {"getpid", "flat", 0});
  EXPECT_FALSE(flat.value.interval);
  EXPECT_EQ(Verdict::undecided, flat.against_reference->verdict);
  EXPECT_NE(std::string::npos, render_text(report, 0).find("undecided"));
}

TEST(ReportTest, UsersMistakes) {
  EXPECT_EQ(Exit::user, make_report(run_record(), {}, {}).error().exit);
  const auto wrong = make_report(run_record(), small_run(), {.reference = "mutli"});
  EXPECT_EQ(Exit::user, wrong.error().exit);
  EXPECT_NE(std::string::npos, wrong.error().message.find("multi, flat"));
  EXPECT_EQ(Exit::user, make_report(run_record(), small_run(), {.level = 95}).error().exit);
  auto twice = small_run();
  twice.push_back(twice.front());
  EXPECT_EQ(Exit::bug, make_report(run_record(), twice, {}).error().exit);
}

TEST(ReportTest, AcceleratorComesFromTheManifest) {
  RunRecord run = run_record();
  EXPECT_EQ("tcg", accelerator_of(run));
  run.meter = "time";
  EXPECT_EQ("unknown", accelerator_of(run));
  run.manifest = R"({"qemu": {"accelerator": "kvm"}})";
  EXPECT_EQ("kvm", accelerator_of(run));
  run.manifest = "not JSON";
  EXPECT_EQ("unknown", accelerator_of(run));
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
      samples.push_back(measured("multi", depth, "fork_processes_10", seed, 500));
      if (seed < 3) samples.push_back(measured("multi", depth, "fork_processes_1000", seed, depth == 0 ? 50'000 : 500));
    }
    samples.push_back(measured("multi", 0, "getpid", seed, 310));
  }
  return report_of(samples, {}, run);
}

TEST(ReportTest, GrowthIsASlopeOverTheBootsWithAllSizes) {
  const Report report = growing_report();
  const std::vector<Growth>& growths = report.views.front().growths;
  ASSERT_EQ(2U, growths.size());
  EXPECT_EQ("fork", growths[0].series);
  EXPECT_EQ("processes", growths[0].quantity);
  EXPECT_EQ(0, growths[0].depth);
  EXPECT_EQ(2, growths[0].slope.n);
  EXPECT_NEAR(1, growths[0].slope.value, 1e-12);
  EXPECT_EQ(1, growths[1].depth);
  EXPECT_NEAR(0, growths[1].slope.value, 1e-12);
  const std::string text = render_markdown(report);
  EXPECT_NE(std::string::npos, text.find("## How cost grows"));
  EXPECT_NE(std::string::npos, text.find("10 to 1,000")) << text;
  EXPECT_NE(std::string::npos, text.find("× 100")) << text;
}

TEST(ReportTest, WithoutCurvesThereIsNoGrowth) {
  EXPECT_TRUE(report_of(small_run()).views.front().growths.empty());
  EXPECT_EQ(std::string::npos, render_markdown(report_of(small_run())).find("How cost grows"));
}

TEST(ReportTest, KernelsAreInReadingOrder) {
  std::vector<std::string> kernels = {"flat+cache", "multi-twin", "multi+cache", "none", "flat", "multi"};
  sort_kernels(kernels);
  EXPECT_EQ((std::vector<std::string>{"none", "multi", "multi+cache", "flat", "flat+cache", "multi-twin"}), kernels);
}

TEST(ReportTest, StatisticNames) {
  for (const Statistic s : {Statistic::mean, Statistic::minimum, Statistic::median}) {
    EXPECT_EQ(s, statistic_from(name_of(s)));
  }
  EXPECT_FALSE(statistic_from("max"));
}

TEST(ReportTest, TextFitsTheTerminal) {
  for (const int columns : {60, 80, 120}) {
    std::string text = render_text(report_of(small_run()), columns);
    for (std::size_t start = 0, end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
      EXPECT_LE(display_width(text.substr(start, end - start)), columns) << text.substr(start, end - start);
    }
  }
}

TEST(ReportTest, EqualInputGivesEqualOutput) {
  auto shuffled = small_run();
  std::reverse(shuffled.begin(), shuffled.end());
  EXPECT_EQ(render_text(report_of(small_run()), 100), render_text(report_of(shuffled), 100));
  EXPECT_EQ(render_markdown(report_of(small_run())), render_markdown(report_of(shuffled)));
}

}  // namespace
}  // namespace nslab
