// SPDX-License-Identifier: GPL-2.0
#include "citation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"

namespace nslab {
namespace {

using testing::HasSubstr;

RunRecord run_named(const std::string& name) {
  RunRecord run = run_record();
  run.experiment = name;
  run.started = "2025-01-01T00:00:00Z";
  run.finished = "2025-01-01T00:12:20Z";
  run.manifest = R"({"curves": {"fork_10": {"series": "fork", "quantity": "processes", "value": 10},
                               "fork_1000": {"series": "fork", "quantity": "processes", "value": 1000}}})";
  return run;
}

/// Two boots. flat saves 10 and 12 of multi's 400 and 402, and is refused one level down.
Report made_up(const std::string& name) {
  std::vector<Sample> samples;
  const auto add = [&](auto... cell) { samples.push_back(sample(cell...)); };
  for (const std::uint64_t seed : {1, 2}) {
    add("multi", 0, "getpid", seed, 398 + 2 * seed);
    add("multi", 1, "getpid", seed, 498 + 2 * seed);
    add("multi+cache", 0, "getpid", seed, 300);
    add("flat", 0, "getpid", seed, 390);
    samples.push_back(refused("flat", 1, "getpid", seed));
    add("flat+cache", 0, "getpid", seed, 298);
    for (const char* kernel : {"multi", "flat"}) {
      add(kernel, 0, "fork_10", seed, 1000);
      add(kernel, 0, "fork_1000", seed, 1500);
    }
  }
  Report report = *make_report(run_named(name), samples, {});
  report.explanations = {{"getpid", "flat", 0, "multi", 0, kPartAll, "", "", 401, 390, -12, -10},
                         {"getpid", "flat", 0, "multi", 0, kPartChanged, "", "", 30, 19, -11, -11},
                         {"getpid", "flat", 0, "multi", 0, "timer", "", "", 1, 1, 0, 0},
                         {"getpid", "flat", 0, "multi", 0, kPartChanged, "pid_vnr", "changed", 30, 19, -11, -11}};
  return report;
}

/// nptl costs 1 % more than on the bare kernel on the kernels of 2007, and 2 % more than on none on those of today, at
/// any depth.
Report of_2007() {
  std::vector<Sample> samples;
  for (const std::uint64_t seed : {1, 2}) {
    samples.push_back(sample("none", 0, "nptl", seed, 1000));
    samples.push_back(sample("none+cache+hash", 0, "nptl", seed, 2000));
    for (const int depth : {0, 1}) {
      for (const char* kernel : {"flat+cache+hash", "multi+hash"}) {
        samples.push_back(sample(kernel, depth, "nptl", seed, 2020));
      }
      for (const char* kernel : {"flat+cache", "multi"}) samples.push_back(sample(kernel, depth, "nptl", seed, 1020));
    }
  }
  return *make_report(run_named("2007"), samples, {});
}

Result<const Report*> report_of(const std::string& run) {
  static const Report small = made_up("small");
  static const Report then = of_2007();
  if (run != "small" && run != "2007") return user_error("there is no run {}", run);
  return run == "small" ? &small : &then;
}

/// Four cells whose differences are +3 %, −3 %, 0 and one that was refused.
Result<std::vector<ComparedCell>> cells_of(const std::string&, const std::string& condition, const std::string&,
                                           const std::string&) {
  if (condition != "quiet") return user_error("there is no condition {}", condition);
  std::vector<ComparedCell> cells;
  for (const double b : {1030.0, 970.0, 1000.0}) {
    const Pairs pairs{.a = {1000, 1010, 990}, .b = {b, b + 10, b - 10}};
    cells.push_back({fmt::format("to_{}", b), 1, "", false, compare_pairs(pairs, 0.95, 1)});
  }
  std::vector<Comparison*> family;
  for (ComparedCell& cell : cells) family.push_back(&cell.comparison);
  judge(family, 0.95);
  cells.push_back({"refused", 1, "flat refused (EINVAL)"});
  return cells;
}

std::string filled(const std::string& text) {
  const auto mail_of = [](const Citation& citation) -> Result<std::string> {
    return citation.runs.front() + ": " + citation.keys.at("b") + " against " + citation.keys.at("a") + "\n";
  };
  const auto page = fill_citations(text, "page.md", {report_of, mail_of, cells_of});
  return page ? *page : page.error().message;
}

std::string table(const std::string& words) {
  return filled("<!-- table: " + words + " -->\nold\n<!-- end of table -->\n");
}

TEST(Citations, ATableIsFilledAndTheRestOfThePageKept) {
  EXPECT_EQ(filled("# Page\n\n<!-- table: cost small depth=0 kernels=multi,flat benchmarks=getpid -->\n"
                   "<!-- end of table -->\nThe end"),
            "# Page\n\n<!-- table: cost small depth=0 kernels=multi,flat benchmarks=getpid -->\n"
            "| depth 0 | multi | flat |\n|:---|---:|---:|\n"
            "| getpid | 401 ± 13 | 390 exact<br>−11 ± 13 |\n"
            "<!-- end of table -->\nThe end");
}

TEST(Citations, WhatIsDearerIsCountedByRunAndCondition) {
  EXPECT_EQ(table("dearer small a=multi b=flat percent=0.1 conditions=quiet"),
            "<!-- table: dearer small a=multi b=flat percent=0.1 conditions=quiet -->\n"
            "| run | cells | dearer by more than 0.1 % | not dearer by more than that | of these cheaper | open |\n"
            "|:---|---:|---:|---:|---:|---:|\n"
            "| small, quiet | 3 | to\\_1030 at depth 1 [+2.93, +3.08] % | 2 | 1 | 0 |\n"
            "<!-- end of table -->\n");
  EXPECT_THAT(table("dearer small a=multi b=flat percent=0.1 conditions=host"),
              testing::HasSubstr("no condition host"));
  EXPECT_THAT(table("dearer small a=multi b=flat percent=much conditions=quiet"), testing::HasSubstr("no per cent"));
}

TEST(Citations, FillingAFilledPageChangesNothing) {
  const std::string once = table("cost small depth=0 kernels=multi,flat benchmarks=getpid");
  EXPECT_EQ(filled(once), once);
  EXPECT_EQ(filled("no citation <!-- a comment -->"), "no citation <!-- a comment -->");
}

TEST(Citations, AFigureIsOneCell) {
  EXPECT_EQ(filled("It costs\n<!-- figure: depth small depth=1 kernels=multi benchmarks=getpid -->?<!-- end of figure "
                   "--> more."),
            "It costs\n<!-- figure: depth small depth=1 kernels=multi benchmarks=getpid -->+100 exact (+24.94 %)"
            "<!-- end of figure --> more.");
  EXPECT_THAT(filled("<!-- figure: cost small depth=0 kernels=multi,flat benchmarks=getpid --><!-- end of figure -->"),
              HasSubstr("page.md:1: a figure is one cell, this is a table of 1 rows and 2 columns"));
}

TEST(Citations, AComparisonForAMailIsPlainText) {
  EXPECT_EQ(filled("<!-- mail: small a=multi b=flat -->\nold\n<!-- end of mail -->\n"),
            "<!-- mail: small a=multi b=flat -->\n```\nsmall: flat against multi\n```\n<!-- end of mail -->\n");
}

TEST(Citations, EveryKindHasItsFigures) {
  EXPECT_THAT(table("difference small depth=0 kernels=flat benchmarks=getpid"),
              HasSubstr("| getpid | −11 ± 13 (−2.74 %) |"));
  EXPECT_THAT(table("cost small depth=1 kernels=multi,flat benchmarks=getpid"),
              HasSubstr("| getpid | 501 ± 13 | refused (EINVAL) |"));
  EXPECT_THAT(table("cost small depth=0 kernels=flat benchmarks=getpid statistic=minimum"), HasSubstr("| 389 exact"));
  EXPECT_THAT(table("ideas small depth=0 benchmarks=getpid"),
              HasSubstr("| cached ids, over 2 designs | −96.5 ± 6.4 |\n| flat instead of multi, over 2 designs | "));
  EXPECT_THAT(table("growth small quantity=processes depth=0 kernels=multi,flat operations=fork"),
              HasSubstr("| processes | sizes | multi | flat |\n|:---|:---|---:|---:|\n"
                        "| fork | 10 to 1,000 | × 1.50 | × 1.50 |\n"));
  EXPECT_THAT(table("boots small"), HasSubstr("| small | 6 | 12 min |"));
  EXPECT_THAT(
      table("2007 2007 benchmark=nptl"),
      HasSubstr("| FLAT, init namespace | +1.28 ± 1.96 % | +1.00 % [+0.998, +1.002] | +2.00 % [+1.996, +2.004] |"));
}

TEST(Citations, MistakesAreNamedWithPageAndLine) {
  EXPECT_THAT(filled("\n\n<!-- table: cost small -->\n"), HasSubstr("page.md:3: there is no '<!-- end of table -->'"));
  EXPECT_THAT(filled("<!-- table: cost small -->\n<!-- table: cost small -->\n<!-- end of table -->\n"),
              HasSubstr("page.md:1: there is no '<!-- end of table -->' before the next comment"));
  EXPECT_THAT(table("cost"), HasSubstr("names no run"));
  EXPECT_THAT(table("cost large"), HasSubstr("page.md:1: there is no run large"));
  EXPECT_THAT(table("costs small"), HasSubstr("there is no 'costs'; there are: 2007, boots, changed, cost"));
  EXPECT_THAT(table("cost small depth=0"), HasSubstr("'cost' needs kernels=…"));
  EXPECT_THAT(table("cost small depth=x kernels=multi benchmarks=getpid"), HasSubstr("depth=x is no number"));
  EXPECT_THAT(table("cost small depth=0 depth=1"), HasSubstr("depth is given twice"));
  EXPECT_THAT(table("boots small depth=0"), HasSubstr("'boots' has no depth=…"));
  EXPECT_THAT(table("cost small small depth=0"), HasSubstr("'cost' is about one run"));
  EXPECT_THAT(table("cost small depth=9 kernels=multi benchmarks=getpid"),
              HasSubstr("small has no such figure of getpid on multi at depth 9"));
  EXPECT_THAT(table("difference small depth=0 kernels=multi benchmarks=getpid"), HasSubstr("has no such figure"));
  EXPECT_THAT(table("ideas small depth=0 benchmarks=fork"), HasSubstr("does not say what 'cached ids"));
  EXPECT_THAT(table("growth small quantity=levels kernels=multi operations=fork"), HasSubstr("has no curve"));
  EXPECT_THAT(table("why small benchmark=getpid kernel=flat depth=1 baseline=multi"),
              HasSubstr("does not say what makes getpid on flat at depth 1 differ from multi at depth 1"));
  EXPECT_THAT(table("changed small depth=0 kernels=flat benchmarks=getpid"), HasSubstr("needs baseline=…"));
  EXPECT_THAT(table("2007 small benchmark=nptl"), HasSubstr("small lacks a figure of 'FLAT, init namespace'"));
  EXPECT_THAT(table("cost small depth=0 kernels=multi benchmarks=getpid statistic=median"),
              HasSubstr("no figures by the statistic 'median'"));
}

TEST(Cite, ADifferenceIsTakenApart) {
  const auto table = [](const char* words) {
    const auto cited = cited_table(*parse_citation(words), {report_of, {}, {}});
    EXPECT_TRUE(cited) << cited.error().message;
    return cited ? text_table(*cited) : "";
  };
  const std::string why = table("why small benchmark=getpid kernel=flat depth=0 baseline=multi");
  EXPECT_THAT(why, HasSubstr("– pid_vnr"));
  EXPECT_THAT(why, HasSubstr("−11 exact"));
  EXPECT_THAT(why, testing::Not(HasSubstr("timer"))) << "a part in which nothing differs";
  const std::string changed = table("changed small depth=0 kernels=flat benchmarks=getpid baseline=multi");
  EXPECT_THAT(changed, HasSubstr("−11.0 ± 1.0"));
  EXPECT_THAT(changed, HasSubstr("−11 exact"));
}

// multi's level costs 10 under quiet and 30 under host.
TEST(Citation, AConditionIsTheOneThatIsNamed) {
  std::vector<Report> reports;
  for (const char* condition : {"quiet", "host"}) {
    std::vector<Sample> samples;
    for (const std::uint64_t seed : {1, 2}) {
      for (const int depth : {0, 4}) {
        const unsigned level = condition == std::string("quiet") ? 10 : 30;
        samples.push_back(sample("multi", depth, "vfork_exit_wait", seed, 1000 + seed + level * unsigned(depth)));
        samples.back().condition = condition;
      }
    }
    reports.push_back(*make_report(run_named("levels"), samples, {}));
  }
  reports[0].elsewhere.push_back(reports[1]);
  const auto cited = [&](const std::string& words) {
    const auto table = cited_table(*parse_citation(words),
                                   {[&](const std::string&) -> Result<const Report*> { return &reports[0]; }, {}, {}});
    return table ? markdown_table(*table) : table.error().message;
  };
  EXPECT_THAT(cited("depth levels depth=4 kernels=multi benchmarks=vfork_exit_wait"), HasSubstr("+40 exact"));
  EXPECT_THAT(cited("depth levels depth=4 kernels=multi benchmarks=vfork_exit_wait condition=host"),
              HasSubstr("+120 exact"));
  EXPECT_THAT(cited("depth levels depth=4 kernels=multi benchmarks=vfork_exit_wait condition=aged"),
              HasSubstr("levels has no condition 'aged'"));
  EXPECT_THAT(cited("levels levels depth=4 kernels=multi benchmarks=vfork_exit_wait conditions=quiet,host"),
              HasSubstr("| vfork\\_exit\\_wait, quiet | +10 exact |\n| vfork\\_exit\\_wait, host | +30 exact |"));
  EXPECT_THAT(cited("levels levels depth=0 kernels=multi benchmarks=vfork_exit_wait conditions=quiet"),
              HasSubstr("needs a depth of 1 or more"));
  EXPECT_THAT(cited("levels levels depth=1 kernels=multi benchmarks=vfork_exit_wait conditions=quiet"),
              HasSubstr("has no cost of depth 1"));
}

}  // namespace
}  // namespace nslab
