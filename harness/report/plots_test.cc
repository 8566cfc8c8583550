// SPDX-License-Identifier: GPL-2.0
#include "plots.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "files.h"
#include "paths.h"
#include "processes.h"
#include "test_reports.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// The data of the plot with this name.
std::string data_of(const std::string& name, const Report& report) {
  for (const Plot& plot : all_plots()) {
    if (plot.name == name) return plot.draw(report).data;
  }
  return "there is no plot " + name;
}

/// An executable named gnuplot that comes before the real one; undone by the destructor.
/// Programs are looked for there while it lives.
struct Path {
  explicit Path(const std::string& path) { set_program_path(path); }
  ~Path() { set_program_path(""); }
};

class PlotsTest : public testing::Test {
 protected:
  PlotsTest() : temporary_(std::move(*TempFolder::make(testing::TempDir(), "plots"))), folder_(temporary_.path()) {}

  Result<std::vector<std::string>> write(const Report& report) const {
    return write_plots(report, folder_.string(), (find_paths()->root / "plots").string());
  }
  static bool gnuplot_is_missing(const Result<std::vector<std::string>>& drawn) {
    return !drawn && drawn.error().message.starts_with("cannot start gnuplot");
  }
  std::string read(const std::string& name) const { return *read_file(folder_ / name); }

 private:
  TempFolder temporary_;

 protected:
  const fs::path folder_;
};

// Of two boots with 100 repetitions each, whose differences are equal: 12.7 · 0.0041 / √2 to either side.
TEST(PlotDataTest, Bars) {
  EXPECT_EQ(data_of("overhead", small_report({0, 1, 2})),
            "# per cent against the reference: value, low and high end of the interval, for each series\n"
            "benchmark \"flat, depth 0\" low high \"flat, depth 1\" low high\n"
            "getpid 1.000000 0.981570 1.018433 0.952381 0.934833 0.969932\n");
}

TEST(PlotDataTest, Depth) {
  EXPECT_EQ(
      data_of("depth", small_report({0, 2})),
      "# depth, instructions beyond the origin's depth 0, low and high end of the interval; a block for each benchmark "
      "and "
      "kernel\n"
      "# getpid on multi\n"
      "0 0.000000 -0.036680 0.036680\n"
      "2 20.000000 19.963320 20.036680\n"
      "\n\n"
      "# getpid on flat\n"
      "0 2.000000 1.963320 2.036680\n");
  EXPECT_EQ(data_of("depth", small_report({0})), "");
}

/// As if getpid were a point of a curve, with a second point that costs the same.
Report growing_report() {
  Report report = small_report({0});
  for (const char* kernel : {"multi", "flat"}) {
    const Estimate cost = report.views.front().cells.at({"getpid", kernel, 0}).value;
    report.views.front().growths.push_back({"getpid", "processes", kernel, 0, {{10, cost}, {1000, cost}}, {}});
  }
  return report;
}

TEST(PlotDataTest, Growth) {
  EXPECT_EQ(
      data_of("growth", growing_report()),
      "# size, instructions per operation, low and high end of the interval; a block for each operation and quantity, "
      "kernel and depth\n"
      "# getpid against processes on multi, depth 0\n"
      "10 200.000000 199.974064 200.025936\n"
      "1000 200.000000 199.974064 200.025936\n"
      "\n\n"
      "# getpid against processes on flat, depth 0\n"
      "10 202.000000 201.974064 202.025936\n"
      "1000 202.000000 201.974064 202.025936\n");
  EXPECT_EQ(data_of("growth", small_report({0})), "");
}

TEST(PlotDataTest, VersionsAreOfKernelsThatAreGiven) {
  EXPECT_EQ(data_of("versions", small_report({0}, {"multi", "flat", "mine"})), "") << "designs have no order";
  const std::vector<std::string> kernels = {"debian:6.1.2", "tree:/a b@v6.2", "image:/x y,map=/z"};
  Report report = small_report({0}, kernels);
  report.run.base = kAsGiven;
  report.run.manifest = to_text(
      Json{{"experiment",
            "name = \"x\"\n[[measure]]\nkernels = [\"debian:6.1.2\", \"tree:/a b@v6.2\", \"image:/x y,map=/z\", "
            "\"debian:6.9\"]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n"}});
  EXPECT_EQ(
      data_of("versions", report),
      "# number, instructions beyond debian:6.1.2 at the same depth, low and high end of the interval, version; a "
      "block for each benchmark and depth\n"
      "# getpid at depth 0\n"
      "1 0 0 0 6.1.2\n"
      "2 0.000000 -0.036680 0.036680 v6.2\n"
      "3 0.000000 -0.036680 0.036680 x\u00a0y\n");
  Report two = small_report({0}, {"debian:6.1.2", "debian:6.1.3"});
  two.run.base = kAsGiven;
  EXPECT_EQ(data_of("versions", two), "");
}

TEST(PlotDataTest, RefusedIsNamed) {
  EXPECT_EQ(refused_note(small_report({0, 1, 2, 4}), {0, 1, 2, 4}),
            "Not drawn, because the kernel refused it (EINVAL): flat at depth 2, 4.");
  EXPECT_EQ(refused_note(small_report({0, 1}), {0, 1}), "");
}

TEST(PlotDataTest, NoFootNamesADepthThatThePlotIsNotOf) {
  const Report report = small_report({0, 1, 2});
  for (const Plot& plot : all_plots()) {
    if (plot.name == std::string("depth")) continue;
    EXPECT_THAT(plot.draw(report).arguments.back(), testing::Not(HasSubstr("depth 2"))) << plot.name;
  }
}

TEST(PlotDataTest, AKernelHasOneColourInAllPlotsOfAllReports) {
  const Report one = small_report({0, 1}, {"none", "multi", "flat", "mine"});
  const Report other = small_report({0, 1}, {"multi", "flat", "yours", "mine"});
  for (const char* kernel : {"multi", "flat"}) EXPECT_EQ(number_of(one, kernel), number_of(other, kernel)) << kernel;
  for (const Report* report : {&one, &other}) {
    std::set<std::size_t> numbers;
    for (const std::string& kernel : report->kernels) numbers.insert(number_of(*report, kernel));
    EXPECT_EQ(numbers.size(), 4U);
    EXPECT_GE(*numbers.begin(), 1U);
    EXPECT_LE(*numbers.rbegin(), 9U) << "there are colours enough";
  }
}

TEST(PlotDataTest, ATitleSaysWhatMakesTheFiguresNoGood) {
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "tcg";
  for (const Plot& plot : all_plots()) {
    const std::string title = plot.draw(small_report({0, 1}, {"multi", "flat"}, run)).arguments.front();
    EXPECT_THAT(title, testing::EndsWith("\nTCG wall time: not representative")) << plot.name;
  }
}

TEST(PlotDataTest, ABarWithoutAnErrorBarIsExplained) {
  Report report = small_report({0, 1});
  const auto note_of = [&] {
    for (const Plot& plot : all_plots())
      if (plot.name == std::string("overhead")) return plot.draw(report).arguments.back();
    return std::string("there is no such plot");
  };
  EXPECT_THAT(note_of(), testing::Not(testing::HasSubstr("no error bar")));
  for (auto& [key, cell] : report.views.front().cells)
    if (cell.against_reference) cell.against_reference->percent_interval.reset();
  EXPECT_THAT(note_of(), testing::HasSubstr("no error bar, as the interval has no bounds"));
}

TEST_F(PlotsTest, TheirDataSayItAsWell) {
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "tcg";
  const auto drawn = write(small_report({0, 1}, {"multi", "flat"}, run));
  if (gnuplot_is_missing(drawn)) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_THAT(read("overhead.dat"), testing::StartsWith("# TCG wall time: not representative\n"));
}

TEST_F(PlotsTest, MissingGnuplotIsTheMachinesLack) {
  const fs::path templates = folder_ / "plots";
  fs::create_directory(templates);
  std::ofstream(templates / "bars.gp") << "\n";
  const Path path(folder_.string());
  const auto drawn = write_plots(small_report({0, 1}), (folder_ / "out").string(), templates.string());
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().exit, Exit::machine);
  EXPECT_THAT(drawn.error().message, HasSubstr("apt-get install gnuplot-nox"));
}

TEST_F(PlotsTest, GnuplotsFailureIsShown) {
  const fs::path templates = folder_ / "plots";
  fs::create_directory(templates);
  std::ofstream(templates / "bars.gp") << "\n";
  std::ofstream(folder_ / "gnuplot") << "#!/bin/sh\necho 'line 3: undefined variable' >&2\nexit 1\n";
  fs::permissions(folder_ / "gnuplot", fs::perms::owner_all);
  const Path path(folder_.string() + ":/usr/bin:/bin");
  const auto drawn = write_plots(small_report({0, 1}), (folder_ / "out").string(), templates.string());
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().exit, Exit::bug);
  EXPECT_THAT(drawn.error().message, HasSubstr("undefined variable"));
}

// gnuplot ends with 0 when the disk is full.
TEST_F(PlotsTest, ACutPictureIsTheMachinesLackAndTakesNobodysPlace) {
  const fs::path templates = folder_ / "plots";
  fs::create_directory(templates);
  std::ofstream(templates / "bars.gp") << "\n";
  // Its words are: -d -c TEMPLATE TERMINAL OUTPUT …
  std::ofstream(folder_ / "gnuplot")
      << "#!/bin/sh\ncase $4 in svg) printf '<svg><g>' ;; *) printf '\\211PNG' ;; esac > \"$5\"\n";
  fs::permissions(folder_ / "gnuplot", fs::perms::owner_all);
  const fs::path out = folder_ / "out";
  fs::create_directory(out);
  for (const char* picture : {"overhead.png", "overhead.svg"}) std::ofstream(out / picture) << "whole";
  const Path path(folder_.string() + ":/usr/bin:/bin");
  const auto drawn = write_plots(small_report({0, 1}), out.string(), templates.string());
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().exit, Exit::machine);
  EXPECT_THAT(drawn.error().message, HasSubstr("is the disk full?"));
  for (const char* picture : {"overhead.png", "overhead.svg"}) EXPECT_EQ(*read_file(out / picture), "whole");
  EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 3) << "the pictures, the data, and nothing cut";
}

TEST_F(PlotsTest, MissingTemplate) {
  EXPECT_EQ(write_plots(small_report({0, 1}), folder_.string(), "/nonexistent").error().exit, Exit::machine);
}

TEST_F(PlotsTest, DrawsWithTheRealTemplates) {
  const auto drawn = write(small_report({0, 1, 2}));
  if (gnuplot_is_missing(drawn)) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_EQ(drawn->size(), 4U);
  EXPECT_EQ(read("overhead.png").substr(0, 4), "\x89PNG");
  const std::string svg = read("depth.svg");
  EXPECT_THAT(svg, HasSubstr("small &amp; &lt;quick>"));
  // What has become undrawable does not leave yesterday's picture behind.
  ASSERT_TRUE(write(small_report({0})));
  EXPECT_FALSE(fs::exists(folder_ / "depth.svg"));
}

// Each row of bars has an axis with 0 on it, and the key has all kernels, also those that the first row lacks.
TEST_F(PlotsTest, EveryBarBeginsAtZeroAndIsInTheKey) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (int i = 0; i < 60; ++i) {
      const std::string benchmark = fmt::format("benchmark_{:02}", i);
      samples.push_back(sample("multi", 0, benchmark, seed, 100'000 + seed));
      samples.push_back(sample("flat", 0, benchmark, seed, 94'000 + 10 * seed));
      if (i == 59) samples.push_back(sample("list", 0, benchmark, seed, 94'000 + 10 * seed));
    }
  }
  const auto drawn = write(*make_report(run_record(), samples, {}));
  if (gnuplot_is_missing(drawn)) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  const std::string svg = read("overhead.svg");
  EXPECT_THAT(svg, HasSubstr("list, depth 0"));
  std::size_t rows = 0;
  std::size_t zeros = 0;
  for (std::size_t at = 0; (at = svg.find("difference, % of multi</text>", at)) != std::string::npos; ++at) ++rows;
  for (std::size_t at = 0; (at = svg.find(">0</tspan>", at)) != std::string::npos; ++at) ++zeros;
  EXPECT_GT(rows, 1U);
  EXPECT_EQ(zeros, rows);
}

TEST_F(PlotsTest, NoAxisIsMadeForWhatRoundingDoes) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const int depth : {0, 1}) samples.push_back(sample("multi", depth, "empty", seed, 3));
  }
  const auto drawn = write(*make_report(run_record(), samples, {}));
  if (gnuplot_is_missing(drawn)) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  const std::string svg = read("depth.svg");
  EXPECT_THAT(svg, HasSubstr(">0.5</tspan>"));
  EXPECT_THAT(svg, testing::Not(HasSubstr(">0.00")));
}

// gnuplot starts programs, and reads blocks of data, by names of files that begin so.
TEST_F(PlotsTest, DrawsInFoldersOfAnyName) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  for (const char* name : {"<touch started", "|touch started", "$(touch started)", "`touch started`", "~", "a b", "'\"",
                           "bytes \xff", "@ARG1"}) {
    fs::create_directory(name);
    const auto drawn = write_plots(small_report({0, 1, 2}), name, (find_paths()->root / "plots").string());
    if (gnuplot_is_missing(drawn)) {
      fs::current_path(before);
      GTEST_SKIP() << drawn.error().message;
    }
    EXPECT_TRUE(drawn) << name << ": " << drawn.error().message;
    EXPECT_EQ(drawn->size(), 4U) << name;
    EXPECT_FALSE(fs::exists("started")) << name;
  }
  fs::current_path(before);
}

TEST_F(PlotsTest, DrawsGrowth) {
  const auto drawn = write(growing_report());
  if (gnuplot_is_missing(drawn)) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_THAT(read("growth.svg"),
              AllOf(HasSubstr("<svg"), HasSubstr(">processes<"), HasSubstr(">instructions per operation<")))
      << "both axes are named";
}

/// How far from the top the text stands whose first words these are.
double height_of(const std::string& svg, const std::string& words) {
  // A number's is in a span.
  const std::size_t text = std::min(svg.find("<text>" + words), svg.find("\" >" + words));
  if (text == std::string::npos) return std::nan("");
  const std::size_t place = svg.rfind("translate(", text);
  return std::stod(svg.substr(svg.find(',', place) + 1));
}

TEST_F(PlotsTest, TheNamesOfManyKernelsStandAboveThePanels) {
  std::vector<std::string> kernels = {"multi"};
  for (int i = 1; i < 17; ++i) kernels.push_back(fmt::format("static3+cache+hash{}", i));
  const Report report = small_report({0, 1}, kernels);
  const auto drawn = write(report);
  if (gnuplot_is_missing(drawn)) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  const std::string lines = read("depth.svg");
  const std::string bars = read("overhead.svg");
  // All bars are 0 ± 0.018 %, and the axis ends at 0.02.
  for (const std::string& kernel : kernels) {
    EXPECT_LT(height_of(lines, kernel + "<"), height_of(lines, "getpid")) << kernel;
    if (kernel == "multi") continue;
    for (const int depth : {0, 1})
      EXPECT_LT(height_of(bars, fmt::format("{}, depth {}", kernel, depth)), height_of(bars, "0.02<")) << kernel;
  }
}

}  // namespace
}  // namespace nslab
