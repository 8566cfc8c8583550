// SPDX-License-Identifier: GPL-2.0
#include "disturbances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> disturbed_by(const std::string& layout) {
  Sample one = sample("multi", 0, "getpid", 3, 200);
  one.layout = layout;
  const auto boots = watched_boots({one});
  EXPECT_EQ(boots.size(), 1U);
  return boots.empty() ? std::vector<std::string>{} : boots.front().disturbed_by;
}

TEST(Disturbances, EachRuleHasItsLimit) {
  const std::string time = R"({"host_watched_us": 1000000, "host_ran_us": 500000, )";
  EXPECT_THAT(disturbed_by(time + R"("host_waited_us": 5000})"), IsEmpty());
  EXPECT_THAT(disturbed_by(time + R"("host_stopped_us": 500000})"), ElementsAre("QEMU was stopped for 0.5 s"));
  EXPECT_THAT(disturbed_by(time + R"("host_waited_us": 10000})"), ElementsAre("it waited for its CPU for 2.0 %"));
  EXPECT_THAT(disturbed_by(time + R"("host_stolen_us": 10000})"), IsEmpty());
  EXPECT_THAT(disturbed_by(time + R"("host_stolen_us": 11000})"), ElementsAre("a hypervisor took 1.1 %"));
  EXPECT_THAT(disturbed_by(time + R"("host_others_us": 30000, "host_siblings_us": 90000})"),
              ElementsAre("others used its CPU for 3.0 %"));
  EXPECT_THAT(disturbed_by(time + R"("host_siblings_us": 200000})"), ElementsAre("others used its core for 20.0 %"));
  EXPECT_THAT(disturbed_by(time + R"("host_mhz_low": 2900, "host_mhz_high": 3000})"), IsEmpty());
  EXPECT_THAT(disturbed_by(time + R"("host_mhz_low": 2000, "host_mhz_high": 3000, "host_throttled": 1})"),
              ElementsAre("the frequency moved by 33.3 %", "the CPU was slowed by heat"));
}

TEST(Disturbances, BootsThatWereNotWatchedAreNotThere) {
  Sample one = sample("multi", 0, "getpid", 3, 200);
  one.layout = R"({"stack": 5})";
  EXPECT_THAT(watched_boots({one, sample("flat", 0, "getpid", 3, 200)}), IsEmpty());
  one.layout = R"({"host_watched_us": 5})";
  Sample refused_cell = refused("flat", 2, "getpid", 3);
  EXPECT_EQ(watched_boots({refused_cell, one}).size(), 1U);
  EXPECT_EQ(watched_boots({refused_cell, one}).front().kernel, "multi");
}

}  // namespace
}  // namespace nslab
