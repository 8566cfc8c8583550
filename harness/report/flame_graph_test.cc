// SPDX-License-Identifier: GPL-2.0
#include "flame_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(FlameGraph, AFrameIsAsWideAsItselfAndWhatItCalls) {
  const std::string svg =
      draw_flame_graph("a <title>", {"a note"},
                       {{.function = "[all]", .title = "all", .colour = "white"},
                        {.parent = 0, .function = "fork", .own = 1, .title = "f", .colour = "red"},
                        {.parent = 1, .function = "alloc", .own = 3, .title = "g", .colour = "red"},
                        {.parent = 0, .function = "tiny", .own = 1e-6, .title = "h", .colour = "red"}});
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("a &lt;title&gt;"));
  EXPECT_THAT(svg, HasSubstr("a note"));
  EXPECT_THAT(svg, HasSubstr("<title>fork: f</title><rect x=\"0.0\" y=\"65.0\" width=\"1199.7\""));
  EXPECT_THAT(svg, HasSubstr("<title>alloc: g</title><rect x=\"0.0\" y=\"48.0\" width=\"899.7\""));
  EXPECT_THAT(svg, Not(HasSubstr("tiny"))) << "narrower than half a pixel";
}

TEST(FlameGraph, NothingIsDrawnOfNothing) {
  EXPECT_THAT(draw_flame_graph("t", {}, {}), Not(HasSubstr("<g>")));
  EXPECT_THAT(draw_flame_graph("t", {}, {{.function = "[all]", .title = "", .colour = "white"}}),
              Not(HasSubstr("<g>")));
}

TEST(FlameGraph, ColoursSayHowMuch) {
  EXPECT_EQ(difference_colour(5, 5), "rgb(255,255,255)");
  EXPECT_EQ(difference_colour(0, 5), "rgb(255,65,65)");
  EXPECT_EQ(difference_colour(5, 0), "rgb(65,65,255)");
  EXPECT_EQ(heat_colour(0), "rgb(255,255,255)");
  EXPECT_EQ(heat_colour(1), "rgb(255,160,65)");
}

}  // namespace
}  // namespace nslab
