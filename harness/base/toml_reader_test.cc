// SPDX-License-Identifier: GPL-2.0
#include "toml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

std::string error_of(std::string_view text) {
  const auto table = parse_toml(text, "file");
  if (table) return "";
  EXPECT_EQ(table.error().exit, Exit::user);
  return table.error().message;
}

std::string dotted_key(int dots) {
  std::string key = "a";
  for (int i = 0; i < dots; ++i) key += ".a";
  return key;
}

TEST(Toml, NestingThatWouldOverflowTheStackIsRefused) {
  EXPECT_EQ(error_of(dotted_key(5'000) + " = 1"), "");
  EXPECT_THAT(error_of(dotted_key(100'000) + " = 1"), testing::HasSubstr("more than 5000 dots"));
  EXPECT_THAT(error_of("[" + dotted_key(100'000) + "]"), testing::HasSubstr("more than 5000 dots"));
  EXPECT_THAT(error_of("a = " + std::string(100'000, '[')), testing::HasSubstr("file:1:"));
}

// The library's own source holds these for impossible.
TEST(Toml, OddTextsAreSyntaxErrors) {
  for (const char* text : {"\n[\n", "\n[[=]]", "\na = \u00e4", "\na = 1979-05-27T07:32:0\u042d", "\n\u00e4 = 1"})
    EXPECT_THAT(error_of(text), testing::HasSubstr("file:2:")) << text;
}

}  // namespace
}  // namespace nslab
