// SPDX-License-Identifier: GPL-2.0
#include "host.h"

#include <gtest/gtest.h>

#include "resources.h"

namespace nslab {
namespace {

TEST(Host, AsManyBootsAtOnceAsCoresAndMemoryAllow) {
  EXPECT_EQ(*choose_jobs(0, 512, 2, 24'105), 2U);
  EXPECT_EQ(*choose_jobs(0, 512, 64, 16'000), 20U);  // of 768 MiB each, with QEMU's own
  EXPECT_EQ(*choose_jobs(0, 512, 0, 16'000), 1U);    // a host that does not know its cores
  EXPECT_EQ(*choose_jobs(20, 512, 2, 16'000), 20U);
}

TEST(Host, MoreThanTheMachinesMemoryIsAnError) {
  const auto many = choose_jobs(21, 512, 2, 16'000);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().exit, Exit::machine);
  EXPECT_EQ(many.error().message,
            "21 boots at once with memory_mib = 512 take 16128 MiB, this machine has 16000 MiB: --jobs 20 fits");
  const auto large = choose_jobs(0, 2048, 2, 2000);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().exit, Exit::machine);
  EXPECT_EQ(large.error().message,
            "a guest with memory_mib = 2048 takes 2304 MiB, this machine has 2000 MiB: lower memory_mib, and leave out "
            "the benchmarks that then do not fit");
}

TEST(Host, IsDescribedForTheManifest) {
  const Json host = describe_host();
  EXPECT_TRUE(host.at("system").get<std::string>().starts_with("Linux "));
  EXPECT_FALSE(host.at("cpu").get<std::string>().empty());
  EXPECT_GE(host.at("cores"), 0);
  EXPECT_GT(usable_resources().memory_mib, 0U);
}

}  // namespace
}  // namespace nslab
