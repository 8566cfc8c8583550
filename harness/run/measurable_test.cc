// SPDX-License-Identifier: GPL-2.0
#include <gtest/gtest.h>

#include "kernel_table.h"
#include "paths.h"
#include "sample.h"

namespace nslab {
namespace {

TEST(Measurable, ReportsAndTheTableOfKernelsAgree) {
  const auto table = load_kernel_table(find_paths()->kernels_folder());
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_FALSE(table->profiles.empty());
  for (const Profile& profile : table->profiles) {
    EXPECT_EQ(is_for_measurement(profile.name), profile.measurable) << profile.name;
  }
}

}  // namespace
}  // namespace nslab
