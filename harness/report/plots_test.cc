// SPDX-License-Identifier: GPL-2.0
#include "plots.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "html.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;

Report small_report(const std::vector<int>& depths, const std::vector<std::string>& kernels = {"multi", "flat"}) {
  RunRecord run;
  run.id = 1;
  run.experiment = "small & <quick>";
  run.meter = run.unit = "instructions";
  run.profile = "lean";
  run.base = "linux-6.12";
  run.manifest = R"({"kernels": {"multi": "<hash>"}})";
  run.boots_planned = run.boots_done = 4;
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (const int depth : depths) {
      for (const std::string& kernel : kernels) {
        Sample s;
        s.kernel = kernel;
        s.depth = depth;
        s.benchmark = "getpid";
        s.seed = seed;
        if (s.kernel == "flat" && depth > 1) {
          s.status = CellStatus::refused;
          s.refusal = "EINVAL";
        } else {
          s.iterations = 1;
          s.sum = s.minimum = (s.kernel == "flat" ? 202U : 200U) + 10U * static_cast<unsigned>(depth);
        }
        samples.push_back(s);
      }
    }
  }
  return *make_report(run, samples, {});
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class PlotsTest : public testing::Test {
 protected:
  PlotsTest() {
    std::string pattern = (fs::temp_directory_path() / "nslab-plots-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~PlotsTest() override { fs::remove_all(folder_); }

  /// An executable named gnuplot that comes before the real one; undone by the destructor of the returned object.
  struct Path {
    explicit Path(const std::string& path) {
      if (const char* now = std::getenv("PATH")) old = now;
      ::setenv("PATH", path.c_str(), 1);
    }
    ~Path() { ::setenv("PATH", old.c_str(), 1); }
    std::string old;
  };

  fs::path folder_;
};

TEST(PlotDataTest, Bars) {
  EXPECT_EQ(
      "# per cent against the reference: value, low and high end of the interval, for each series\n"
      "benchmark \"flat, depth 0\" low high \"flat, depth 1\" low high\n"
      "getpid 1.000000 1.000000 1.000000 0.952381 0.952381 0.952381\n",
      bars_data(small_report({0, 1, 2})));
}

TEST(PlotDataTest, Depth) {
  EXPECT_EQ(
      "# depth, instructions beyond the origin's depth 0, low and high end of the interval; a block for each benchmark "
      "and "
      "kernel\n"
      "# getpid on multi\n"
      "0 0.000000 0.000000 0.000000\n"
      "2 20.000000 20.000000 20.000000\n"
      "\n\n"
      "# getpid on flat\n"
      "0 2.000000 2.000000 2.000000\n",
      depth_data(small_report({0, 2})));
  EXPECT_EQ("", depth_data(small_report({0})));
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
      "# size, instructions per operation, low and high end of the interval; a block for each operation and quantity, "
      "kernel and depth\n"
      "# getpid against processes on multi, depth 0\n"
      "10 200.000000 200.000000 200.000000\n"
      "1000 200.000000 200.000000 200.000000\n"
      "\n\n"
      "# getpid against processes on flat, depth 0\n"
      "10 202.000000 202.000000 202.000000\n"
      "1000 202.000000 202.000000 202.000000\n",
      growth_data(growing_report()));
  EXPECT_EQ("", growth_data(small_report({0})));
}

TEST(PlotDataTest, RefusedIsNamed) {
  EXPECT_EQ("Refused (EINVAL), thus not drawn: flat at depth 2, 4.", refused_note(small_report({0, 1, 2, 4})));
  EXPECT_EQ("", refused_note(small_report({0, 1})));
}

TEST_F(PlotsTest, MissingGnuplotIsTheMachinesLack) {
  const fs::path templates = folder_ / "plots";
  fs::create_directory(templates);
  std::ofstream(templates / "bars.gp") << "\n";
  const Path path(folder_.string());
  const auto drawn = write_plots(small_report({0, 1}), (folder_ / "out").string(), templates.string());
  ASSERT_FALSE(drawn);
  EXPECT_EQ(Exit::machine, drawn.error().exit);
  EXPECT_NE(std::string::npos, drawn.error().message.find("apt-get install gnuplot-nox"));
}

TEST_F(PlotsTest, GnuplotsFailureIsShown) {
  const fs::path templates = folder_ / "plots";
  fs::create_directory(templates);
  std::ofstream(templates / "bars.gp") << "\n";
  std::ofstream(folder_ / "gnuplot") << "#!/bin/sh\necho 'line 3: undefined variable' >&2\nexit 1\n";
  fs::permissions(folder_ / "gnuplot", fs::perms::owner_all);
  const Path path(folder_.string() + ":" + std::getenv("PATH"));
  const auto drawn = write_plots(small_report({0, 1}), (folder_ / "out").string(), templates.string());
  ASSERT_FALSE(drawn);
  EXPECT_EQ(Exit::bug, drawn.error().exit);
  EXPECT_NE(std::string::npos, drawn.error().message.find("undefined variable"));
}

TEST_F(PlotsTest, MissingTemplate) {
  EXPECT_EQ(Exit::machine, write_plots(small_report({0, 1}), folder_.string(), "/nonexistent").error().exit);
}

TEST_F(PlotsTest, DrawsWithTheRealTemplates) {
  const std::string templates = (fs::path(__FILE__).parent_path().parent_path() / "plots").string();
  const auto drawn = write_plots(small_report({0, 1, 2}), folder_.string(), templates);
  if (!drawn && drawn.error().message.find("not installed") != std::string::npos) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_EQ(4U, drawn->size());
  EXPECT_EQ("\x89PNG", read(folder_ / "overhead.png").substr(0, 4));
  const std::string svg = read(folder_ / "depth.svg");
  EXPECT_NE(std::string::npos, svg.find("small &amp; &lt;quick>"));
  // What has become undrawable does not leave yesterday's picture behind.
  ASSERT_TRUE(write_plots(small_report({0}), folder_.string(), templates));
  EXPECT_FALSE(fs::exists(folder_ / "depth.svg"));
}

TEST_F(PlotsTest, DrawsGrowth) {
  const std::string templates = (fs::path(__FILE__).parent_path().parent_path() / "plots").string();
  const auto drawn = write_plots(growing_report(), folder_.string(), templates);
  if (!drawn && drawn.error().message.find("not installed") != std::string::npos) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_NE(std::string::npos, read(folder_ / "growth.svg").find("<svg"));
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
  const std::string templates = (fs::path(__FILE__).parent_path().parent_path() / "plots").string();
  const auto drawn = write_plots(report, folder_.string(), templates);
  if (!drawn && drawn.error().message.find("not installed") != std::string::npos) GTEST_SKIP() << drawn.error().message;
  ASSERT_TRUE(drawn) << drawn.error().message;
  const std::string lines = read(folder_ / "depth.svg");
  const std::string bars = read(folder_ / "overhead.svg");
  // All bars are 0, and the axis is from -1 to 1.
  for (const std::string& kernel : kernels) {
    EXPECT_LT(height_of(lines, kernel + "<"), height_of(lines, "getpid")) << kernel;
    if (kernel == "multi") continue;
    for (const int depth : {0, 1})
      EXPECT_LT(height_of(bars, fmt::format("{}, depth {}", kernel, depth)), height_of(bars, "1<")) << kernel;
  }
}

TEST(HtmlTest, Escapes) {
  EXPECT_EQ("&lt;a href=&quot;x&quot;&gt; &amp; &#39;", escape_html("<a href=\"x\"> & '"));
  // RFC 4648, section 10
  EXPECT_EQ("", base64(""));
  EXPECT_EQ("Zg==", base64("f"));
  EXPECT_EQ("Zm8=", base64("fo"));
  EXPECT_EQ("Zm9vYmFy", base64("foobar"));
}

TEST(HtmlTest, OnePageWithAllInIt) {
  const Report report = small_report({0, 1, 2});
  const std::string page = render_html(report, {{"bars", "<svg/>"}});
  EXPECT_EQ(page, render_html(report, {{"bars", "<svg/>"}}));
  EXPECT_NE(std::string::npos, page.find("<title>nslab report: small &amp; &lt;quick&gt; (run 1)</title>"));
  EXPECT_NE(std::string::npos, page.find("data:image/svg+xml;base64,PHN2Zy8+"));
  EXPECT_NE(std::string::npos, page.find("&lt;hash&gt;"));
  EXPECT_NE(std::string::npos, page.find("<td class=\"refused\">refused (EINVAL)</td>"));
  EXPECT_EQ(std::string::npos, page.find("<quick>"));
  EXPECT_EQ(std::string::npos, page.find("http"));  // self-contained
}

TEST_F(PlotsTest, HtmlIsWrittenBesideThePlots) {
  std::ofstream(folder_ / "depth.svg") << "<svg/>";
  const auto path = write_html(small_report({0, 1}), folder_.string());
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ((folder_ / "report.html").string(), *path);
  EXPECT_NE(std::string::npos, read(*path).find("PHN2Zy8+"));
  EXPECT_EQ(Exit::machine, write_html(small_report({0, 1}), "/proc/nowhere").error().exit);
}

}  // namespace
}  // namespace nslab
