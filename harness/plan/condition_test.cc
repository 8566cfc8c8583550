// SPDX-License-Identifier: GPL-2.0
#include "condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(Condition, ANameAndItsConditionBelongTogether) {
  const std::pair<Condition, std::string> known[] = {
      {kQuiet, "quiet"},
      {kHost, "host"},
      {{.ids_next = 300'000}, "aged"},
      {{.ids_next = 1'000'000}, "aged=1000000"},
      {{.residents = 8}, "residents=8"},
      {{.container = true}, "container"},
      {{.ids_next = 300'000, .residents = 2, .container = true}, "aged+residents=2+container"},
  };
  for (const auto& [condition, name] : known) {
    EXPECT_EQ(name_of(condition), name);
    ASSERT_TRUE(condition_from(name)) << name;
    EXPECT_EQ(*condition_from(name), condition) << name;
  }
  // The order of the parts does not matter, nor whether a set that has a name is spelt out.
  EXPECT_EQ(name_of(*condition_from("container+aged")), "aged+container");
  EXPECT_EQ(name_of(*condition_from("aged+residents=8+container")), "host");
}

TEST(Condition, WhatIsNoConditionIsRefused) {
  for (const char* name : {"", "+", "busy", "aged+", "+aged", "aged+aged", "aged=", "aged=1023", "aged=4000001",
                           "aged=1e6", "residents", "residents=0", "residents=1001", "residents=3+residents=4",
                           "container+container", "quiet+aged", "Host", "aged =5000"}) {
    const auto condition = condition_from(name);
    ASSERT_FALSE(condition) << name;
    EXPECT_EQ(condition.error().exit, Exit::user);
    EXPECT_THAT(condition.error().message, testing::StartsWith("there is no condition '"));
  }
}

}  // namespace
}  // namespace nslab
