// SPDX-License-Identifier: GPL-2.0
#include "store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "files.h"
#include "test_samples.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(std::move(*TempFolder::make(testing::TempDir(), "store"))) {}
  std::string folder() const { return folder_.path().string(); }
  Store open() { return std::move(*Store::open(folder())); }

  static RunRecord fresh() { return run_record(); }
  static BootRecord boot(std::uint64_t seed, const std::string& key = "") {
    Sample measured = sample("multi", 1, "getpid", seed, 310);
    // As many different figures as there can be: none may come back in another's place.
    measured.iterations = 4;
    measured.sum = 1250;
    measured.sum_first_half = 620;
    measured.minimum = 309;
    measured.p90 = 320;
    measured.maximum = 321;
    measured.involuntary_switches = 1;
    measured.layout = "{\"stack\":1}";
    return {"multi", "abc", seed, 1.5, "s", "f", "{}", {measured, refused("multi", 2, "getpid", seed)}, key};
  }

 private:
  TempFolder folder_;
};

// SQLite would take such a relative name for a URI, and keep all of it in memory.
/// A run that is complete when it begins.
RunRecord of_no_boot() {
  RunRecord run = run_record();
  run.boots_planned = 0;
  return run;
}

TEST_F(StoreTest, MayLieInAFolderOfAnyName) {
  const fs::path before = fs::current_path();
  fs::current_path(folder());
  for (const char* name : {"file:x?mode=memory&y=", ":memory:", "a b", "bytes \xff", "a,b%20c"}) {
    {
      auto store = Store::open(name);
      EXPECT_TRUE(store) << name << ": " << store.error().message;
      EXPECT_TRUE(store->begin("key", fresh())) << name;
    }
    EXPECT_TRUE(is_there(fs::path(name) / "nslab.sqlite")) << name;
    EXPECT_TRUE(Store::open_existing(name)) << name;
  }
  fs::current_path(before);
}

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
    EXPECT_FALSE(store.continue_or_begin("key", fresh()));
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
  const auto seconds = store.boot_seconds("name = \"smoke\"", {});
  ASSERT_TRUE(seconds) << seconds.error().message;
  EXPECT_THAT(*seconds, testing::ElementsAre(std::pair("multi", 1.5), std::pair("multi", 1.5)));

  // Where the file was edited, as for more boots, those that are measured already tell the time.
  BootRecord keyed = boot(8);
  keyed.key = "of the plan";
  ASSERT_TRUE(store.add(store.begin("third", fresh())->id, keyed));
  EXPECT_THAT(*store.boot_seconds("boots = 4", {"not there", "of the plan"}),
              testing::ElementsAre(std::pair("multi", 1.5)));
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
  EXPECT_EQ(store.boots(run->id)->size(), 1U);
}

TEST_F(StoreTest, TheNewestRunOfTheSameKeyIsContinued) {
  Store store = open();
  const auto first = store.continue_or_begin("key", of_no_boot());
  ASSERT_TRUE(first);
  RunRecord later = of_no_boot();
  later.manifest = R"({"accelerator": "kvm"})";
  const auto again = store.continue_or_begin("key", later);
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(again->manifest, later.manifest);
  ASSERT_TRUE(store.finish(first->id, "2025-01-01T01:00:00Z"));
  const auto finished = store.continue_or_begin("key", of_no_boot());
  EXPECT_EQ(finished->id, first->id);
  EXPECT_EQ(finished->manifest, later.manifest) << "a finished run stays as it is";
  EXPECT_NE(store.continue_or_begin("other key", of_no_boot())->id, first->id);
  EXPECT_EQ(store.continue_or_begin("key", of_no_boot())->id, 3) << "reports show the newest, so it must be this one";
}

TEST_F(StoreTest, ABootOfAnotherRunIsAdoptedByItsKey) {
  Store store = open();
  const auto first = store.begin("one", fresh());
  ASSERT_TRUE(store.add(first->id, boot(7, "boot 7")));
  ASSERT_TRUE(store.add(first->id, boot(8, "boot 8")));
  ASSERT_TRUE(store.add(first->id, boot(9)));  // its key is not known
  EXPECT_THAT(*store.stored({"boot 7", "boot 1", ""}), testing::ElementsAre("boot 7"));
  const auto second = store.begin("two", fresh());
  EXPECT_EQ(*store.adopt(second->id, {"boot 7", "boot 1", ""}), 1U);
  EXPECT_EQ(*store.adopt(second->id, {"boot 7"}), 0U);
  EXPECT_EQ(store.run(second->id)->boots_done, 1);
  EXPECT_EQ(store.run(first->id)->boots_done, 3);
  EXPECT_THAT(*store.boots(second->id), testing::ElementsAre(boot(7, "boot 7")));
  EXPECT_EQ(*store.samples(second->id), boot(7).samples);
  ASSERT_TRUE(store.add(second->id, boot(8, "boot 8")));
  EXPECT_EQ(store.boots(second->id)->size(), 2U);
  SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READONLY);
  EXPECT_EQ(file.execAndGet("SELECT count(*) FROM boot").getInt(), 3) << "the boot is stored once";
}

TEST_F(StoreTest, AFailureStaysUntilTheBootIsThere) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  const BootFailure failure{"multi", 7, "the kernel panicked\nits last lines"};
  ASSERT_TRUE(store.add_failure(run->id, {"multi", 7, "an older one"}));
  ASSERT_TRUE(store.add_failure(run->id, failure));
  ASSERT_TRUE(store.add_failure(run->id, {"multi", 8, "another"}));
  EXPECT_THAT(store.run(run->id)->failures, testing::ElementsAre(failure, BootFailure{"multi", 8, "another"}));
  ASSERT_TRUE(store.add(run->id, boot(7, "boot 7")));
  EXPECT_THAT(store.run(run->id)->failures, testing::ElementsAre(BootFailure{"multi", 8, "another"}));
}

TEST_F(StoreTest, ReportsShowTheNewestFinishedRun) {
  Store store = open();
  ASSERT_TRUE(store.begin("one", of_no_boot()));
  EXPECT_EQ(store.run(std::nullopt)->id, 1) << "none is finished";
  ASSERT_TRUE(store.begin("two", of_no_boot()));
  ASSERT_TRUE(store.finish(1, "2025-01-01T01:00:00Z"));
  EXPECT_EQ(store.run(std::nullopt)->id, 1);
  ASSERT_TRUE(store.finish(2, "2025-01-01T02:00:00Z"));
  EXPECT_EQ(store.run(std::nullopt)->id, 2);
}

TEST_F(StoreTest, AReaderWithATransactionDoesNotKeepABootOut) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  SQLite::Database reader(folder() + "/nslab.sqlite", SQLite::OPEN_READONLY);
  reader.exec("BEGIN");
  EXPECT_EQ(reader.execAndGet("SELECT count(*) FROM boot").getInt(), 0);
  const auto added = store.add(run->id, boot(7));
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(*added, Store::Added::stored);
  EXPECT_EQ(reader.execAndGet("SELECT count(*) FROM boot").getInt(), 0) << "the reader sees what it saw";
}

TEST_F(StoreTest, ALockedStoreTakesTheBootLater) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  SQLite::Database other(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  EXPECT_EQ(*store.add(run->id, boot(7)), Store::Added::busy);
  EXPECT_EQ(*store.add_failure(run->id, {"multi", 8, "hung"}), Store::Added::busy);
  other.exec("ROLLBACK");
  EXPECT_EQ(*store.add(run->id, boot(7)), Store::Added::stored);
  EXPECT_EQ(store.boots(run->id)->size(), 1U);
}

/// Takes today's tables back to those that a store had before there were conditions.
constexpr const char* kToFormat6 = R"(
PRAGMA foreign_keys = OFF;
CREATE TABLE old_boot (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), kernel TEXT NOT NULL, kernel_hash TEXT NOT NULL,
  seed INTEGER NOT NULL, wall_seconds REAL NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL,
  manifest TEXT NOT NULL, key TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '',
  UNIQUE (run, kernel_hash, seed));
INSERT INTO old_boot SELECT id, run, kernel, kernel_hash, seed, wall_seconds, started, finished, manifest, key, digest
  FROM boot;
DROP TABLE boot;
ALTER TABLE old_boot RENAME TO boot;
CREATE UNIQUE INDEX boot_key ON boot(key) WHERE key <> '';
CREATE TABLE old_member (
  run INTEGER NOT NULL REFERENCES run(id), kernel_hash TEXT NOT NULL, seed INTEGER NOT NULL,
  boot INTEGER NOT NULL REFERENCES boot(id), PRIMARY KEY (run, kernel_hash, seed)) WITHOUT ROWID;
INSERT INTO old_member SELECT run, kernel_hash, seed, boot FROM member;
DROP TABLE member;
ALTER TABLE old_member RENAME TO member;
CREATE TABLE old_failure (
  run INTEGER NOT NULL REFERENCES run(id), kernel TEXT NOT NULL, seed INTEGER NOT NULL, error TEXT NOT NULL,
  PRIMARY KEY (run, kernel, seed)) WITHOUT ROWID;
INSERT INTO old_failure SELECT run, kernel, seed, error FROM failure;
DROP TABLE failure;
ALTER TABLE old_failure RENAME TO failure;
PRAGMA user_version = 6;
)";

TEST_F(StoreTest, AStoreOfFormat6GetsRoomForConditions) {
  const BootRecord quiet = boot(7, "boot 7");
  BootRecord host = boot(7, "boot 7 under host");
  host.condition = "host";
  for (Sample& sample : host.samples) sample.condition = "host";
  BootFailure failed{"multi", 8, "hung"};
  {
    Store store = open();
    const auto run = store.begin("key", fresh());
    ASSERT_TRUE(store.add(run->id, quiet));
    ASSERT_TRUE(store.add_failure(run->id, failed));
    SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE).exec(kToFormat6);
  }
  auto store = Store::open(folder());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_THAT(*store->boots(1), testing::ElementsAre(quiet));
  EXPECT_THAT(store->run(1)->failures, testing::ElementsAre(failed));
  // The same kernel and seed under another condition is another boot.
  ASSERT_EQ(*store->add(1, host), Store::Added::stored);
  EXPECT_THAT(*store->boots(1), testing::ElementsAre(host, quiet));
  failed.condition = "host";
  ASSERT_TRUE(store->add_failure(1, failed));
  EXPECT_EQ(store->run(1)->failures.size(), 2U);
  // Whoever changes a condition by another program is found out.
  SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE)
      .exec("UPDATE boot SET condition = 'aged' WHERE condition = 'host'");
  EXPECT_THAT(store->boots(1).error().message, testing::HasSubstr("is damaged"));
}

TEST_F(StoreTest, AStoreOfFormat2IsBroughtToTodays) {
  {
    Store store = open();
    ASSERT_TRUE(store.add(store.begin("key", fresh())->id, boot(7, "boot 7")));
    SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
    file.exec(kToFormat6);
    file.exec(
        "DROP TABLE explanation; DROP TABLE tree; DROP TABLE member; DROP TABLE failure; DROP INDEX boot_key; ALTER "
        "TABLE boot DROP COLUMN "
        "key; "
        "ALTER TABLE boot DROP COLUMN digest; ALTER TABLE run DROP COLUMN digest; "
        "ALTER TABLE run DROP COLUMN measurable; UPDATE run SET profile = 'debug'; PRAGMA user_version = 2");
  }
  auto store = Store::open_existing(folder());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_THAT(*store->boots(1), testing::ElementsAre(boot(7)));
  EXPECT_FALSE(store->run(1)->measurable);
}

TEST_F(StoreTest, AStoreOfAnotherFormatIsRefused) {
  ASSERT_TRUE(open().begin("key", fresh()));
  SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 9");
  for (const auto& store : {Store::open(folder()), Store::open_existing(folder())}) {
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().exit, Exit::user);
    EXPECT_THAT(store.error().message, testing::HasSubstr("has format 9, this nslab reads format 7"));
  }
}

TEST_F(StoreTest, AStoreOfFormat3GetsItsDigests) {
  {
    Store store = open();
    ASSERT_TRUE(store.add(store.begin("key", fresh())->id, boot(7, "boot 7")));
    SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
    file.exec(kToFormat6);
    file.exec(
        "DROP TABLE explanation; DROP TABLE tree; ALTER TABLE boot DROP COLUMN digest; ALTER TABLE run DROP COLUMN "
        "digest; "
        "PRAGMA user_version = 3");
  }
  auto store = Store::open_existing(folder());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_THAT(*store->boots(1), testing::ElementsAre(boot(7, "boot 7")));
}

TEST_F(StoreTest, AStoreOfFormat4GetsRoomForCalls) {
  {
    Store store = open();
    ASSERT_TRUE(store.add(store.begin("key", fresh())->id, boot(7, "boot 7")));
    SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
    file.exec(kToFormat6);
    file.exec("DROP TABLE explanation; DROP TABLE tree; PRAGMA user_version = 4");
  }
  auto store = Store::open_existing(folder());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_THAT(*store->boots(1), testing::ElementsAre(boot(7, "boot 7")));
  EXPECT_THAT(store->tree("boot 7", 0, "getpid").error().message, testing::HasSubstr("has no calls of getpid"));
}

TEST_F(StoreTest, AStoreOfFormat5GetsRoomForExplanations) {
  {
    Store store = open();
    ASSERT_TRUE(store.begin("key", fresh()));
    SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
    file.exec(kToFormat6);
    file.exec("DROP TABLE explanation; PRAGMA user_version = 5");
  }
  auto store = Store::open_existing(folder());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(store->explanations(1)->empty());
}

TEST_F(StoreTest, WhatDifferencesAreMadeOfIsKeptWithTheRun) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  ASSERT_TRUE(run);
  const std::vector<Explanation> lines = {{"fork", "flat", 1, "multi", 1, kPartAll, "", "", 10, 9, -1.5, -0.5},
                                          {"fork", "flat", 1, "multi", 1, "RCU", "kfree", "same code", 4, 3, -1, -1}};
  EXPECT_TRUE(store.explanations(run->id)->empty());
  ASSERT_TRUE(store.explain(run->id, {}));
  ASSERT_TRUE(store.explain(run->id, lines));
  EXPECT_EQ(*store.explanations(run->id), lines);
  SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE)
      .exec("UPDATE explanation SET lines = replace(lines, 'kfree', 'kmalloc')");
  const auto damaged = store.explanations(run->id);
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().message, testing::HasSubstr("is damaged: what the differences of run 1 are made of"));
}

TEST_F(StoreTest, CallsComeBackAndAreThoseOfTheirCell) {
  BootRecord counted = boot(7, "boot 7");
  const Sample& sample = counted.samples.front();
  const CallTree tree{{{"", "[all]"}, {"", "getpid"}}, {{0, 0, 0, 0}, {0, 1, sample.sum, 10}}};
  counted.trees[{sample.depth, sample.benchmark}] = *pack(tree);
  Store store = open();
  ASSERT_TRUE(store.add(store.begin("key", fresh())->id, counted));
  const auto again = store.tree("boot 7", sample.depth, sample.benchmark);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, tree);
  EXPECT_FALSE(store.tree("boot 7", sample.depth + 20, sample.benchmark));

  for (const char* change : {"UPDATE tree SET depth = 21", "UPDATE tree SET packed = x'00'",
                             "UPDATE tree SET digest = ''", "UPDATE sample SET sum = sum + iterations"}) {
    SCOPED_TRACE(change);
    SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
    file.exec("CREATE TABLE kept AS SELECT * FROM tree; CREATE TABLE kept_sample AS SELECT * FROM sample");
    file.exec(change);
    const auto damaged = store.tree(
        "boot 7", sample.depth + (std::string(change).find("21") != std::string::npos ? 20 : 0), sample.benchmark);
    EXPECT_FALSE(damaged);
    file.exec(
        "DELETE FROM tree; INSERT INTO tree SELECT * FROM kept; DROP TABLE kept; "
        "DELETE FROM sample; INSERT INTO sample SELECT * FROM kept_sample; DROP TABLE kept_sample");
  }
  EXPECT_TRUE(store.tree("boot 7", sample.depth, sample.benchmark));
}

// Each change leaves what a boot could have ended with.
TEST_F(StoreTest, WhatAnotherProgramChangedIsNoResult) {
  for (const char* change :
       {"DELETE FROM sample WHERE depth = 1", "DELETE FROM sample", "UPDATE boot SET kernel = 'flat'",
        "UPDATE boot SET seed = 77", "UPDATE boot SET key = 'another'", "UPDATE sample SET layout = '{}'",
        "UPDATE sample SET involuntary_switches = 3", "UPDATE run SET measurable = 0", "UPDATE run SET manifest = '[]'",
        "UPDATE run SET boots_planned = 1", "UPDATE run SET profile = 'other'"}) {
    SCOPED_TRACE(change);
    fs::remove(folder() + "/nslab.sqlite");
    Store store = open();
    const auto run = store.begin("key", fresh());
    ASSERT_TRUE(store.add(run->id, boot(7, "boot 7")));
    SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE).exec(change);
    const bool of_boot = std::string(change).find("run SET") == std::string::npos;
    const Error error = of_boot ? store.boots(run->id).error() : store.run(run->id).error();
    EXPECT_EQ(error.exit, Exit::user);
    EXPECT_THAT(error.message, testing::HasSubstr("is damaged"));
    if (of_boot && std::string(change).find("key") == std::string::npos) {
      EXPECT_FALSE(store.stored({"boot 7"}));
    }
    if (!of_boot) {
      EXPECT_FALSE(store.finish(run->id, "2026-11-26T00:00:00Z"));
    }
  }
}

TEST_F(StoreTest, ABootThatIsGoneOrInAnothersPlaceIsMissed) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  ASSERT_TRUE(store.add(run->id, boot(7, "boot 7")));
  for (const char* change :
       {"UPDATE member SET seed = 8", "UPDATE member SET kernel_hash = 'abd'", "UPDATE member SET condition = 'host'",
        "UPDATE member SET boot = 2", "DELETE FROM boot"}) {
    SCOPED_TRACE(change);
    SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
    file.exec("CREATE TABLE kept AS SELECT * FROM member");
    file.exec(change);
    EXPECT_THAT(store.boots(run->id).error().message, testing::HasSubstr("is damaged"));
    EXPECT_THAT(store.samples(run->id).error().message, testing::HasSubstr("is damaged"));
    file.exec("DELETE FROM member; INSERT INTO member SELECT * FROM kept; DROP TABLE kept");
  }
}

// As two 'nslab why' in a new folder.
TEST_F(StoreTest, SeveralMayMakeItAtOnce) {
  constexpr int kRounds = 20;
  constexpr int kThreads = 6;
  for (int round = 0; round < kRounds; ++round) {
    const std::string place = fmt::format("{}/{}", folder(), round);
    std::vector<std::string> errors(kThreads);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          auto store = Store::open(place);
          if (!store) {
            errors[i] = store.error().message;
          } else if (auto run = store->begin(fmt::format("key {}", i), fresh()); !run) {
            errors[i] = run.error().message;
          }
        });
      }
    }
    EXPECT_THAT(errors, testing::Each("")) << round;
    EXPECT_EQ(Store::open(place)->runs()->size(), static_cast<std::size_t>(kThreads));
  }
}

// A trigger that somebody left in the file.
TEST_F(StoreTest, WhatIsChangedOnItsWayIntoTheFileIsNoResult) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE)
      .exec("CREATE TRIGGER t AFTER INSERT ON sample BEGIN UPDATE sample SET involuntary_switches = 5; END");
  ASSERT_TRUE(store.add(run->id, boot(7)));
  EXPECT_FALSE(store.boots(run->id));
}

TEST_F(StoreTest, ABootThatAnotherNslabStoredFirstIsThere) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  ASSERT_TRUE(store.add(run->id, boot(7, "boot 7")));
  EXPECT_EQ(*store.add(run->id, boot(7, "boot 7")), Store::Added::stored);
  EXPECT_EQ(store.boots(run->id)->size(), 1U);

  const auto twice = store.add(run->id, boot(7, "the same kernel and seed"));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().exit, Exit::user);
}

TEST_F(StoreTest, AFileThatIsNoLongerInItsPlaceIsAnError) {
  const fs::path file = folder() + "/nslab.sqlite";
  for (const bool moved : {true, false}) {
    Store store = open();
    const auto run = store.begin("key", fresh());
    EXPECT_TRUE(store.check_place());
    if (moved) {
      fs::rename(file, folder() + "/elsewhere");
    } else {
      fs::remove(file);
    }
    for (const Error& error : {store.check_place().error(), store.add(run->id, boot(7)).error(),
                               store.finish(run->id, "2026-11-26T00:00:00Z").error()}) {
      EXPECT_EQ(error.exit, Exit::machine);
      EXPECT_THAT(error.message, testing::HasSubstr("was moved or removed"));
    }
    for (const char* rest : {"-wal", "-shm"}) fs::remove(file.string() + rest);
  }
}

TEST_F(StoreTest, AFinishedRunMissesNoBoot) {
  Store store = open();
  RunRecord of_two = fresh();
  of_two.boots_planned = 2;
  const auto run = store.begin("key", of_two);
  ASSERT_TRUE(store.add(run->id, boot(7)));
  ASSERT_TRUE(store.add(run->id, boot(8)));
  ASSERT_TRUE(store.finish(run->id, "2026-11-26T00:00:00Z"));
  EXPECT_EQ(store.run(run->id)->boots_done, 2);
  SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE).exec("DELETE FROM member WHERE seed = 7");
  EXPECT_THAT(store.run(run->id).error().message, testing::HasSubstr("run 1, which has 1 boots of 2, is not what"));
}

TEST_F(StoreTest, AnImpossibleSampleIsNoResult) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  ASSERT_TRUE(store.add(run->id, boot(7)));
  SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE).exec("UPDATE sample SET minimum = 400");
  for (const auto& error : {store.samples(run->id).error(), store.boots(run->id).error()}) {
    EXPECT_EQ(error.exit, Exit::user);
    EXPECT_THAT(error.message, testing::HasSubstr("the sample of getpid at depth 1 on multi with seed 7 has a "));
  }
}

TEST_F(StoreTest, ARunWithFailuresIsShownBeforeAnOlderFinishedOne) {
  Store store = open();
  ASSERT_TRUE(store.begin("one", of_no_boot()));
  ASSERT_TRUE(store.finish(1, "2025-01-01T01:00:00Z"));
  const auto second = store.begin("two", of_no_boot());
  EXPECT_EQ(store.run(std::nullopt)->id, 1) << "it may be under way";
  ASSERT_TRUE(store.add_failure(second->id, {"multi", 7, "hung"}));
  EXPECT_EQ(store.run(std::nullopt)->id, 2);
}

TEST_F(StoreTest, AFigureThatIsNoNumberIsDamage) {
  Store store = open();
  const auto run = store.begin("key", fresh());
  for (const char* change : {"minimum = 'abc'", "depth = 4294967296"}) {
    ASSERT_TRUE(store.add(run->id, boot(7)));
    SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE);
    file.exec(std::string("UPDATE sample SET ") + change + " WHERE depth = 1");
    const auto samples = store.samples(run->id);
    ASSERT_FALSE(samples) << change;
    EXPECT_EQ(samples.error().exit, Exit::user);
    file.exec("DELETE FROM sample; DELETE FROM member; DELETE FROM boot");
  }
  SQLite::Database(folder() + "/nslab.sqlite", SQLite::OPEN_READWRITE).exec("DROP TABLE failure");
  EXPECT_EQ(store.run(run->id).error().exit, Exit::user);
}

TEST_F(StoreTest, SqliteFindsNothingWrongWithTheFile) {
  Store store = open();
  ASSERT_TRUE(store.add(store.begin("key", fresh())->id, boot(7)));
  SQLite::Database file(folder() + "/nslab.sqlite", SQLite::OPEN_READONLY);
  EXPECT_EQ(file.execAndGet("PRAGMA integrity_check").getString(), "ok");
}

TEST_F(StoreTest, NothingIsLeftBesideTheFile) {
  {
    Store store = open();
    ASSERT_TRUE(store.add(store.begin("key", fresh())->id, boot(7)));
  }
  ASSERT_TRUE(Store::open_existing(folder())->samples(1));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder()), {}), 1);
}

TEST_F(StoreTest, AReadOnlyFolderCanBeRead) {
  ASSERT_TRUE(open().begin("key", fresh()));
  std::filesystem::permissions(folder(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const auto run = Store::open_existing(folder())->run(std::nullopt);
  std::filesystem::permissions(folder(), std::filesystem::perms::owner_all);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->id, 1);
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
