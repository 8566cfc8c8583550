// SPDX-License-Identifier: GPL-2.0
#include "ingredients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "hash.h"

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Ingredients known() {
  return {.qemu = "QEMU 7.2.22",
          .qemu_fingerprint = "12",
          .initramfs = "0123456789abcdef",
          .patches = {{{"0001-a.patch", "aa"}, {"0002-b.patch", "bb"}}},
          .models = {{"multi", "y"}, {"flat", "z"}}};
}

TEST(Ingredients, NothingDiffersFromItself) { EXPECT_THAT(differences_from_today(known(), known()), IsEmpty()); }

TEST(Ingredients, EachDifferenceIsASentence) {
  Ingredients today = known();
  today.qemu = "QEMU 10.0.2";
  EXPECT_THAT(differences_from_today(known(), today),
              ElementsAre("the run was made with QEMU 7.2.22, this machine has QEMU 10.0.2."));
  today = known();
  today.initramfs = "fedcba9876543210";
  EXPECT_THAT(differences_from_today(known(), today),
              ElementsAre("the guest's programs or libraries (initramfs 0123456789ab) are not those that a run would "
                          "boot with today (fedcba987654)."));
  today = known();
  (*today.patches)["0001-a.patch"] = "other";
  EXPECT_THAT(differences_from_today(known(), today),
              ElementsAre("the kernels were built from a series in which the patch 0001-a.patch is not as today."));
  today = known();
  today.patches = {{"0002-b.patch", "other"}, {"0003-c.patch", "cc"}};
  EXPECT_THAT(
      differences_from_today(known(), today),
      ElementsAre(
          "the kernels were built from a series in which the patches 0001-a.patch, 0002-b.patch are not as today.",
          "the kernels were built from a series without today's patch 0003-c.patch."));
  today = known();
  today.models = {{"multi", "y"}, {"flat", "other"}, {"list", "new"}};
  EXPECT_THAT(differences_from_today(known(), today),
              ElementsAre("the settings of the kernel flat are not those of today's kernels.toml."));
}

TEST(Ingredients, AQemuOfTheSameVersionMayBeAnother) {
  Ingredients today = known();
  today.qemu_fingerprint = "34";
  EXPECT_THAT(differences_from_today(known(), today),
              testing::ElementsAre(testing::HasSubstr("QEMU's program or its firmware is not the one")));
}

TEST(Ingredients, WhatIsNotKnownIsLeftOut) {
  EXPECT_THAT(differences_from_today(known(), Ingredients()), IsEmpty());
  EXPECT_THAT(differences_from_today(Ingredients(), known()), IsEmpty());
}

TEST(Ingredients, AreReadFromTheManifest) {
  RunRecord run;
  run.manifest = R"({"qemu": "QEMU 7.2.22", "initramfs_sha256": "ab", "kernels": {"multi": {
    "patches": [{"name": "0001-a.patch", "sha256": "aa"}], "model_config": ["CONFIG_PID_NS=y"]}}})";
  const Ingredients then = ingredients_of(run);
  EXPECT_EQ(then.qemu, "QEMU 7.2.22");
  EXPECT_EQ(then.initramfs, "ab");
  ASSERT_TRUE(then.patches);
  EXPECT_THAT(*then.patches, ElementsAre(std::pair("0001-a.patch", "aa")));
  EXPECT_THAT(then.models, ElementsAre(std::pair("multi", R"(["CONFIG_PID_NS=y"])")));
  for (const char* damaged : {"", "no JSON", "[]", R"({"qemu": 7, "kernels": {"multi": 1}})"}) {
    run.manifest = damaged;
    EXPECT_THAT(differences_from_today(ingredients_of(run), known()), IsEmpty()) << damaged;
  }
}

TEST(Ingredients, OfTodayAreTheCheckoutsWhereTheyCanBeKnown) {
  Paths paths = *find_paths();
  RunRecord run;
  run.base = "linux-6.12";
  run.manifest = R"({"kernels": {"multi": {}}})";
  paths.guest = "/nowhere";
  const Ingredients today = ingredients_today(run, paths);
  EXPECT_FALSE(today.initramfs);
  ASSERT_TRUE(today.patches);
  EXPECT_FALSE(today.patches->empty());
  for (const auto& [name, hash] : *today.patches) {
    const std::string patch = *read_file(paths.kernels_folder() / "linux-6.12" / name);
    EXPECT_EQ(hash, sha256(patch.substr(patch.find("\ndiff --git ") + 1))) << "a message is no part of it: " << name;
  }
  EXPECT_THAT(today.models, testing::Contains(testing::Pair("multi", HasSubstr("CONFIG_PID_NS=y"))));
  run.manifest = R"({"kernels": {"posted": {}}})";
  const Ingredients posted = ingredients_today(run, paths);
  ASSERT_TRUE(posted.patches);
  EXPECT_EQ(posted.patches->size(), 4U) << "of its own series alone";
  paths.root = "/nowhere";
  EXPECT_FALSE(ingredients_today(run, paths).patches);
}

}  // namespace
}  // namespace nslab
