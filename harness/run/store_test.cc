// SPDX-License-Identifier: GPL-2.0
#include "store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "files.h"
#include "test_samples.h"

namespace nslab {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(std::move(*TempFolder::make(testing::TempDir(), "store"))) {}
  std::string folder() const { return folder_.path().string(); }
  Store open() { return std::move(*Store::open(folder())); }

  static RunRecord fresh() { return run_record(); }
  static BootRecord boot(std::uint64_t seed) {
    Sample measured = sample("multi", 1, "getpid", seed, 310);
    // As many different figures as there can be: none may come back in another's place.
    measured.iterations = 3;
    measured.sum = 940;
    measured.sum_first_half = 470;
    measured.minimum = 309;
    measured.p90 = 320;
    measured.maximum = 321;
    measured.involuntary_switches = 1;
    measured.layout = "{\"stack\":1}";
    return {"multi", "abc", seed, 1.5, "s", "f", "{}", {measured, refused("multi", 2, "getpid", seed)}};
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

TEST_F(StoreTest, ARunComesBackAsItWas) {
  Store store = open();
  RunRecord mine = fresh();
  mine.meter = Meter::time;
  mine.manifest = R"({"accelerator": "kvm"})";
  const auto run = store.begin("key", mine);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->experiment, "small");
  EXPECT_EQ(run->meter, Meter::time);
  EXPECT_EQ(run->profile, "lean");
  EXPECT_EQ(run->base, "linux-6.12");
  EXPECT_EQ(run->started, "2026-11-23T20:00:00Z");
  EXPECT_EQ(run->finished, "");
  EXPECT_EQ(run->manifest, mine.manifest);
  EXPECT_EQ(run->boots_planned, 6);
  EXPECT_EQ(run->boots_done, 0);
}

TEST_F(StoreTest, TheAcceleratorComesFromTheManifest) {
  Store store = open();
  RunRecord mine = fresh();
  for (const auto& [manifest, accelerator] : {std::pair(R"({"accelerator": "kvm"})", "kvm"),
                                              std::pair(R"({"accelerator": "tcg with icount"})", "tcg with icount"),
                                              std::pair("{}", "unknown"), std::pair("not JSON", "unknown")}) {
    mine.manifest = manifest;
    const auto run = store.begin("key", mine);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->accelerator, accelerator) << manifest;
  }
}

TEST_F(StoreTest, ARunOfAnUnknownMeterIsRefused) {
  Store store = open();
  ASSERT_TRUE(store.begin("key", fresh()));
  SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
  for (const char* change : {"UPDATE run SET unit = 'ns'", "UPDATE run SET meter = 'cycles', unit = 'cycles'"}) {
    file.exec(change);
    const auto run = store.run(std::nullopt);
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().exit, Exit::user);
    EXPECT_THAT(run.error().message, testing::HasSubstr("nslab knows instructions (instructions) and time (ns)"));
    EXPECT_FALSE(store.runs());
    EXPECT_FALSE(store.unfinished("key"));
  }
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
