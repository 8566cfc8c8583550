// SPDX-License-Identifier: GPL-2.0
#include "json.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

std::string nested(const std::string& open, const std::string& inner, const std::string& close, int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += open;
  text += inner;
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

// What copies or prints such a value calls itself once for each bracket.
TEST(Json, IsRefusedWhenItIsNestedTooDeep) {
  EXPECT_TRUE(parse_json(nested("[", "1", "]", kMostJsonDepth)));
  EXPECT_FALSE(parse_json(nested("[", "1", "]", kMostJsonDepth + 1)));
  EXPECT_FALSE(parse_json(nested("[", "1", "]", 500'000)));
  EXPECT_FALSE(parse_json(nested(R"({"a":)", "1", "}", 500'000)));
  EXPECT_FALSE(parse_json(nested(R"(["\"",)", "1", "]", 500'000))) << "a quoted quote ends no string";
  EXPECT_FALSE(parse_json(std::string(500'000, '[')));
}

// What reads an object compares each key with all before it.
TEST(Json, IsRefusedWhenItHasTooManyMembers) {
  const auto members = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += (i % 100 == 0 ? "},\n{\"" : ",\"") + std::to_string(i) + "::\":0";
    return "[{" + text + "}]";
  };
  EXPECT_TRUE(parse_json(members(kMostJsonMembers)));
  EXPECT_FALSE(parse_json(members(kMostJsonMembers + 1)));
  EXPECT_EQ(json_error_line(members(kMostJsonMembers + 1)), 102U);
}

TEST(Json, BracketsInTextsNestNothing) {
  EXPECT_TRUE(parse_json("[\"" + std::string(1000, '[') + R"(\"[{", "\\"])"));
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) wide += "[],";
  EXPECT_TRUE(parse_json(wide + "[]]"));
}

TEST(Json, IsRefusedWhenANumberIsTooLarge) {
  EXPECT_TRUE(parse_json("1e308"));
  EXPECT_FALSE(parse_json("1e309"));
}

TEST(Json, TheLineOfAMistakeIsCounted) {
  EXPECT_EQ(json_error_line("[1,\n2]\n"), 0U);
  EXPECT_EQ(json_error_line("[1,\n2,,3]\n"), 2U);
  EXPECT_EQ(json_error_line("[1,\n2"), 2U);
  EXPECT_EQ(json_error_line("[1,\n1e999]"), 2U);
  EXPECT_EQ(json_error_line("[1,\n-1e999,\n\n"), 2U);
  EXPECT_EQ(json_error_line("\n\n" + nested("[", "1", "]", 500'000)), 3U);
}

}  // namespace
}  // namespace nslab
