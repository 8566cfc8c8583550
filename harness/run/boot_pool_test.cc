// SPDX-License-Identifier: GPL-2.0
#include "boot_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "clock.h"

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

/// Boots of one kernel, with the seeds 1 to `count`.
std::vector<BootPlan> plans(std::uint64_t count) {
  std::vector<BootPlan> made(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    made[i].kernel = "multi";
    made[i].seed = i + 1;
  }
  return made;
}

std::vector<const BootPlan*> pointers(const std::vector<BootPlan>& plans) {
  std::vector<const BootPlan*> made;
  for (const BootPlan& plan : plans) made.push_back(&plan);
  return made;
}

Result<BootRecord> succeed(const BootPlan& plan) {
  BootRecord record;
  record.seed = plan.seed;
  return record;
}

/// All that the pool hands out until it has ended; a pool that has not ended after 20 s fails the test.
std::vector<Result<BootRecord>> collect(BootPool& pool) {
  std::vector<Result<BootRecord>> results;
  const double start = monotonic_seconds();
  while (!pool.all_ended()) {
    if (auto result = pool.next()) results.push_back(std::move(result->boot));
    if (monotonic_seconds() - start > 20) {
      ADD_FAILURE() << "the pool does not end";
      break;
    }
  }
  return results;
}

/// The seeds of boots that ended well, the messages of those that did not.
std::vector<std::string> texts(const std::vector<Result<BootRecord>>& results) {
  std::vector<std::string> made;
  for (const auto& result : results) made.push_back(result ? std::to_string(result->seed) : result.error().message);
  return made;
}

TEST(BootPool, OneJobKeepsTheOrderOfThePlans) {
  const auto five = plans(5);
  BootPool pool(pointers(five), 1, succeed);
  EXPECT_THAT(texts(collect(pool)), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_FALSE(pool.next());
}

TEST(BootPool, ResultsComeAsTheBootsEnd) {
  const auto two = plans(2);
  std::promise<void> second_is_out;
  BootPool pool(pointers(two), 2, [&](const BootPlan& plan) {
    if (plan.seed == 1) second_is_out.get_future().wait();
    return succeed(plan);
  });
  const auto first = pool.next();
  second_is_out.set_value();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->plan->seed, 2U);
  EXPECT_EQ(first->boot->seed, 2U);
  EXPECT_THAT(texts(collect(pool)), ElementsAre("1"));
}

TEST(BootPool, BootsAsManyAtOnceAsItMay) {
  const auto three = plans(3);
  std::atomic<int> running = 0;
  std::promise<void> both;
  auto both_run = both.get_future().share();
  BootPool pool(pointers(three), 2, [&](const BootPlan& plan) {
    const int now = ++running;
    EXPECT_LE(now, 2);
    if (now == 2 && plan.seed < 3) both.set_value();
    if (plan.seed < 3) both_run.wait();  // comes back only if two boots run at once
    --running;
    return succeed(plan);
  });
  EXPECT_THAT(texts(collect(pool)), UnorderedElementsAre("1", "2", "3"));
}

TEST(BootPool, WithoutPlansItHasEnded) {
  BootPool pool({}, 4, succeed);
  EXPECT_TRUE(pool.all_ended());
  EXPECT_FALSE(pool.next());
}

TEST(BootPool, NextComesBackWhileABootGoesOn) {
  const auto one = plans(1);
  std::promise<void> end;
  BootPool pool(pointers(one), 1, [&](const BootPlan& plan) {
    end.get_future().wait();
    return succeed(plan);
  });
  EXPECT_FALSE(pool.next());
  EXPECT_FALSE(pool.all_ended());
  end.set_value();
  EXPECT_THAT(texts(collect(pool)), ElementsAre("1"));
}

TEST(BootPool, StoppedItHandsOutTheBootUnderWayAndStartsNoOther) {
  const auto three = plans(3);
  std::promise<void> started;
  std::promise<void> end;
  BootPool pool(pointers(three), 1, [&](const BootPlan& plan) {
    started.set_value();  // a second call would throw
    end.get_future().wait();
    return succeed(plan);
  });
  started.get_future().wait();
  pool.stop();
  EXPECT_FALSE(pool.all_ended());
  end.set_value();
  EXPECT_THAT(texts(collect(pool)), ElementsAre("1"));
}

TEST(BootPool, ItsEndWaitsForTheBootsUnderWayOnly) {
  const auto hundred = plans(100);
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  {
    std::promise<void> started;
    BootPool pool(pointers(hundred), 1, [&](const BootPlan& plan) {
      if (++begun == 1) started.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      ++ended;
      return succeed(plan);
    });
    started.get_future().wait();
  }
  EXPECT_EQ(begun, ended);
  EXPECT_LT(ended, 100);
}

// The boots end before all threads are there, in every order that the scheduler finds.
TEST(BootPool, EndsWhenBootsFailAtOnce) {
  const auto four = plans(4);
  for (int round = 0; round < 200; ++round) {
    BootPool pool(pointers(four), 4,
                  [](const BootPlan& plan) -> Result<BootRecord> { return machine_error("{} failed", plan.seed); });
    const auto results = collect(pool);
    ASSERT_THAT(texts(results), UnorderedElementsAre("1 failed", "2 failed", "3 failed", "4 failed")) << round;
    EXPECT_EQ(results[0].error().exit, Exit::machine);
  }
}

TEST(BootPool, AnExceptionIsABugOfThatBootAlone) {
  const auto three = plans(3);
  BootPool pool(pointers(three), 1, [](const BootPlan& plan) -> Result<BootRecord> {
    if (plan.seed == 1) throw std::runtime_error("no such cell");
    if (plan.seed == 2) throw 42;
    return succeed(plan);
  });
  const auto results = collect(pool);
  ASSERT_EQ(results.size(), 3U);
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().exit, Exit::bug);
  EXPECT_EQ(results[0].error().message, "multi, seed 1: this is a bug of nslab: no such cell");
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().exit, Exit::bug);
  EXPECT_THAT(results[1].error().message, testing::HasSubstr("seed 2"));
  EXPECT_TRUE(results[2]);
}

}  // namespace
}  // namespace nslab
