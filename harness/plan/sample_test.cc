// SPDX-License-Identifier: GPL-2.0
#include "sample.h"

#include <gtest/gtest.h>

#include <limits>

#include "test_samples.h"

namespace nslab {
namespace {

Sample measured() { return sample("multi", 0, "getpid", 1, 100); }

TEST(Impossible, WhatABootCanEndWithIsPossible) {
  EXPECT_EQ(impossible(measured()), "");
  EXPECT_EQ(impossible(refused("flat", 2, "getpid", 1)), "");
  Sample huge = measured();  // products beyond 64 bits
  huge.minimum = huge.median = huge.p90 = huge.maximum = std::numeric_limits<std::uint64_t>::max() / 100;
  huge.sum = huge.maximum * 100;
  huge.sum_first_half = huge.maximum * 50;
  EXPECT_EQ(impossible(huge), "");
}

TEST(Impossible, WhatNoBootCanEndWithIsNamed) {
  const auto with = [](auto change) {
    Sample sample = measured();
    change(sample);
    return impossible(sample);
  };
  EXPECT_EQ(with([](Sample& s) { s.iterations = 0; }), "is measured and has no repetitions");
  EXPECT_EQ(with([](Sample& s) { s.refusal = "EINVAL"; }), "is measured and names an error");
  EXPECT_EQ(with([](Sample& s) { s.depth = -1; }), "has a negative depth");
  EXPECT_EQ(with([](Sample& s) { s.depth = 33; }), "is deeper than the 32 levels that the kernel allows");
  EXPECT_EQ(with([](Sample& s) { s.sum = s.maximum * s.iterations + 1; }),
            "has a mean that does not lie between its minimum and its maximum");
  EXPECT_EQ(with([](Sample& s) { s.sum_first_half = 0; }),
            "has a first half whose mean does not lie between its minimum and its maximum");
  EXPECT_EQ(with([](Sample& s) { s.minimum = 0; }), "has a repetition that cost nothing");
  EXPECT_EQ(with([](Sample& s) { s.minimum = s.median + 1; }),
            "has a minimum, median, 90th percentile and maximum that do not ascend");
  EXPECT_EQ(with([](Sample& s) { s.maximum = s.p90 - 1; }),
            "has a minimum, median, 90th percentile and maximum that do not ascend");
  EXPECT_EQ(with([](Sample& s) {
              s.minimum = 1;
              s.sum = s.iterations;
              s.sum_first_half = s.sum + 1;
            }),
            "has a first half that cost more than the whole");
  EXPECT_EQ(with([](Sample& s) { s.status = CellStatus::refused; }), "is refused and names no error");
  Sample refusal = refused("flat", 2, "getpid", 1);
  refusal.sum = 1;
  EXPECT_EQ(impossible(refusal), "is refused and has figures");
}

}  // namespace
}  // namespace nslab
