// SPDX-License-Identifier: GPL-2.0
#include "html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "files.h"
#include "test_reports.h"

namespace nslab {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HtmlTest, Escapes) { EXPECT_EQ(escape_html("<a href=\"x\"> & '"), "&lt;a href=&quot;x&quot;&gt; &amp; &#39;"); }

TEST(HtmlTest, OnePageWithAllInIt) {
  const Report report = small_report({0, 1, 2});
  const std::string page = render_html(report, {{"bars", "<svg/>"}});
  EXPECT_EQ(page, render_html(report, {{"bars", "<svg/>"}}));
  EXPECT_THAT(page, HasSubstr("<title>nslab report: small &amp; &lt;quick&gt; (run 1)</title>"));
  EXPECT_THAT(page, HasSubstr("data:image/svg+xml;base64,PHN2Zy8+"));
  EXPECT_THAT(page, HasSubstr("&lt;hash&gt;"));
  EXPECT_THAT(page, HasSubstr("<td class=\"refused\">refused (EINVAL)</td>"));
  EXPECT_THAT(page, Not(HasSubstr("<quick>")));
  EXPECT_THAT(page, Not(HasSubstr("http")));  // self-contained
}

TEST(HtmlTest, TimeUnderAnEmulatorIsNotCalledKvms) {
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "tcg";
  const std::string page = render_html(small_report({0, 1}, {"multi", "flat"}, run), {});
  EXPECT_THAT(page, HasSubstr("<p class=\"warning\">TCG wall time: not representative."));
  EXPECT_THAT(page, Not(HasSubstr("KVM")));
}

TEST(HtmlTest, IsWrittenBesideThePlots) {
  const auto temporary = std::move(*TempFolder::make(testing::TempDir(), "html"));
  const std::filesystem::path& folder = temporary.path();
  ASSERT_TRUE(write_file(folder / "depth.svg", "<svg/>"));
  ASSERT_TRUE(write_file(folder / "overhead.svg", "<svg>of an earlier report</svg>"));
  const auto path = write_html(small_report({0, 1}), folder.string(), {(folder / "depth.svg").string()});
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(*path, (folder / "report.html").string());
  const std::string page = *read_file(*path);
  EXPECT_THAT(page, HasSubstr("PHN2Zy8+"));
  EXPECT_EQ(page.find("<figure>"), page.rfind("<figure>")) << "only what was drawn now is on the page";
  EXPECT_EQ(write_html(small_report({0, 1}), "/proc/nowhere", {}).error().exit, Exit::machine);
}

}  // namespace
}  // namespace nslab
