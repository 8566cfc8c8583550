// SPDX-License-Identifier: GPL-2.0
#include "contrasts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace nslab {
namespace {

using testing::UnorderedElementsAre;

const Contrast* find(const std::vector<Contrast>& contrasts, const std::string& name) {
  const auto found =
      std::find_if(contrasts.begin(), contrasts.end(), [&](const Contrast& c) { return c.name == name; });
  return found == contrasts.end() ? nullptr : &*found;
}

TEST(Contrasts, OfTwoKernelsAreTheirPair) {
  const auto contrasts = contrasts_of({"multi", "flat"});
  ASSERT_EQ(contrasts.size(), 1U);
  EXPECT_EQ(contrasts[0].label_a, "multi");
  EXPECT_EQ(contrasts[0].b, std::vector<std::string>{"flat"});
}

TEST(Contrasts, OfUnrelatedKernelsAreNone) { EXPECT_TRUE(contrasts_of({"none", "static3+hash"}).empty()); }

TEST(Contrasts, OfASquareAreTwoMainEffectsAndTheirInteraction) {
  const auto contrasts = contrasts_of({"multi", "multi+cache", "flat", "flat+cache"});
  const Contrast* cache = find(contrasts, "main effect: cached ids, over 2 designs");
  ASSERT_NE(cache, nullptr);
  EXPECT_THAT(cache->a, UnorderedElementsAre("multi", "flat"));
  EXPECT_THAT(cache->b, UnorderedElementsAre("multi+cache", "flat+cache"));
  const Contrast* flat = find(contrasts, "main effect: flat instead of multi, over 2 designs");
  ASSERT_NE(flat, nullptr);
  EXPECT_THAT(flat->a, UnorderedElementsAre("multi", "multi+cache"));
  EXPECT_THAT(flat->b, UnorderedElementsAre("flat", "flat+cache"));
  const Contrast* both = find(contrasts, "interaction: cached ids with flat instead of multi");
  ASSERT_NE(both, nullptr);
  EXPECT_TRUE(both->interaction);
  // (flat+cache − flat) − (multi+cache − multi)
  EXPECT_THAT(both->b, UnorderedElementsAre("flat+cache", "multi"));
  EXPECT_THAT(both->a, UnorderedElementsAre("flat", "multi+cache"));
  // In this order the effects on either side can be told from one another.
  EXPECT_EQ(both->a, (std::vector<std::string>{"flat", "multi+cache"}));
  EXPECT_EQ(both->b, (std::vector<std::string>{"multi", "flat+cache"}));
  EXPECT_EQ(both->option, "the cache");
  EXPECT_EQ(both->label_a, "in multi");
  EXPECT_EQ(both->label_b, "in flat");
}

TEST(Contrasts, OfTheWholePlanTakeEveryDesignOnce) {
  std::vector<std::string> all;
  for (const char* structure : {"multi", "flat", "static3", "list"}) {
    for (const char* options : {"", "+cache", "+hash", "+cache+hash", "+reserve"})
      all.push_back(std::string(structure) + options);
  }
  const auto contrasts = contrasts_of(all);
  for (const char* name :
       {"main effect: cached ids, over 8 designs", "main effect: bitmap and hash instead of IDR, over 8 designs",
        "main effect: the next id kept ready, over 4 designs", "main effect: list instead of multi, over 5 designs"}) {
    const Contrast* main = find(contrasts, name);
    ASSERT_NE(main, nullptr) << name;
    EXPECT_EQ(main->a.size(), main->b.size());
    std::vector<std::string> both = main->a;
    both.insert(both.end(), main->b.begin(), main->b.end());
    std::sort(both.begin(), both.end());
    EXPECT_EQ(std::adjacent_find(both.begin(), both.end()), both.end()) << name << " takes a design twice";
  }
  const Contrast* interaction = find(contrasts, "interaction: cached ids with bitmap and hash instead of IDR");
  ASSERT_NE(interaction, nullptr);
  EXPECT_THAT(interaction->b, testing::Contains("list+cache+hash"));
  EXPECT_THAT(interaction->b, testing::Contains("list"));
  EXPECT_THAT(interaction->a, testing::Contains("list+cache"));
  EXPECT_THAT(interaction->a, testing::Contains("list+hash"));
  EXPECT_EQ(interaction->a.size(), 8U);
  for (const Contrast& contrast : contrasts)
    EXPECT_EQ(contrast.name.find("IDR with the next id"), std::string::npos) << "no kernel has two lookups";
}

}  // namespace
}  // namespace nslab
