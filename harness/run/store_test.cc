// SPDX-License-Identifier: GPL-2.0
#include "store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "files.h"

namespace nslab {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(std::move(*TempFolder::make(testing::TempDir(), "store"))) {}
  std::string folder() const { return folder_.path().string(); }
  Store open() { return std::move(*Store::open(folder())); }

  static RunRecord fresh() {
    RunRecord run;
    run.experiment = "smoke";
    run.meter = "instructions";
    run.unit = "instructions";
    run.profile = "lean";
    run.base = "linux-6.12";
    run.started = "2025-01-01T00:00:00Z";
    run.manifest = "{}";
    run.boots_planned = 2;
    return run;
  }
  static BootRecord boot(std::uint64_t seed) {
    Sample measured{.kernel = "multi",
                    .depth = 1,
                    .benchmark = "getpid",
                    .seed = seed,
                    .status = CellStatus::ok,
                    .refusal = {},
                    .iterations = 3,
                    .sum = 940,
                    .sum_first_half = 470,
                    .minimum = 310,
                    .median = 310,
                    .p90 = 320,
                    .maximum = 320,
                    .involuntary_switches = 1,
                    .layout = "{\"stack\":1}"};
    Sample refused{.kernel = "multi",
                   .depth = 2,
                   .benchmark = "getpid",
                   .seed = seed,
                   .status = CellStatus::refused,
                   .refusal = "EINVAL",
                   .layout = {}};
    return {"multi", "abc", seed, 1.5, "s", "f", "{}", {measured, refused}};
  }

 private:
  TempFolder folder_;
};

TEST_F(StoreTest, ABootComesBackAsItWas) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  ASSERT_TRUE(run) << run.error().message;
  ASSERT_TRUE(store.add(run->id, boot(7)));
  const auto samples = store.samples(run->id);
  ASSERT_TRUE(samples) << samples.error().message;
  EXPECT_EQ(*samples, boot(7).samples);
  EXPECT_EQ(store.run(run->id)->boots_done, 1);
}

TEST_F(StoreTest, DurationsAreThoseOfAnExperimentsBootsInAllItsRuns) {
  Store store = open();
  RunRecord mine = fresh();
  mine.manifest = R"({"experiment": "name = \"smoke\""})";
  for (const char* key : {"one", "two"}) {
    const auto run = store.begin(key, mine);
    ASSERT_TRUE(run) << run.error().message;
    ASSERT_TRUE(store.add(run->id, boot(7)));
  }
  ASSERT_TRUE(store.add(store.begin("other", fresh())->id, boot(7)));
  const auto seconds = store.boot_seconds("name = \"smoke\"");
  ASSERT_TRUE(seconds) << seconds.error().message;
  EXPECT_THAT(*seconds, testing::ElementsAre(std::pair("multi", 1.5), std::pair("multi", 1.5)));
}

TEST_F(StoreTest, ABootIsStoredOnceAndWhole) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  ASSERT_TRUE(store.add(run->id, boot(7)));
  EXPECT_FALSE(store.add(run->id, boot(7)));
  BootRecord torn = boot(8);
  torn.samples.push_back(torn.samples[0]);  // the same cell twice violates the key in mid-boot
  EXPECT_FALSE(store.add(run->id, torn));
  EXPECT_EQ(store.samples(run->id)->size(), 2U);
  EXPECT_THAT(*store.boots_done(run->id), testing::ElementsAre(std::pair<std::string, std::uint64_t>("abc", 7)));
}

TEST_F(StoreTest, AnUnfinishedRunOfTheSameKeyIsContinued) {
  Store store = open();
  const auto first = store.resume_or_begin("key", fresh());
  ASSERT_TRUE(first);
  EXPECT_EQ(store.resume_or_begin("key", fresh())->id, first->id);
  EXPECT_NE(store.resume_or_begin("other key", fresh())->id, first->id);
  ASSERT_TRUE(store.finish(first->id, "2025-01-01T01:00:00Z"));
  EXPECT_NE(store.resume_or_begin("key", fresh())->id, first->id);
}

TEST_F(StoreTest, WhatIsNoStoreIsRefused) {
  ASSERT_TRUE(
      write_file(folder() + "/nslab.sqlite", "this is no database, but it is long enough to be taken for one\n"));
  const auto store = Store::open(folder());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().exit, Exit::user);
  EXPECT_THAT(store.error().message, testing::HasSubstr("damaged or no store of nslab"));
}

TEST_F(StoreTest, ATruncatedStoreIsAnErrorNotACrash) {
  {
    Store store = open();
    const auto run = store.begin("key", fresh());
    for (std::uint64_t seed = 1; seed < 200; ++seed) ASSERT_TRUE(store.add(run->id, boot(seed)));
  }
  const std::string file = folder() + "/nslab.sqlite";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2 + 100);
  auto store = Store::open(folder());
  if (!store) {
    EXPECT_EQ(store.error().exit, Exit::user);
    return;
  }
  const auto samples = store->samples(1);
  ASSERT_FALSE(samples);
  EXPECT_EQ(samples.error().exit, Exit::user);
}

TEST_F(StoreTest, MissingRunsAndFoldersAreTheUsersMistake) {
  EXPECT_EQ(Store::open_existing(folder()).error().exit, Exit::user);
  Store store = open();
  EXPECT_EQ(store.run(std::nullopt).error().exit, Exit::user);
  EXPECT_EQ(store.run(12).error().exit, Exit::user);
}

}  // namespace
}  // namespace nslab
