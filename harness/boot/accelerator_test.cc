// SPDX-License-Identifier: GPL-2.0
#include "accelerator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kvm_probe.h"

namespace nslab {
namespace {

TEST(Accelerator, MeterAndAcceleratorGoTogether) {
  EXPECT_EQ(*choose_accelerator(Meter::instructions, ""), Accelerator::icount);
  EXPECT_EQ(*choose_accelerator(Meter::instructions, "tcg"), Accelerator::icount);
  EXPECT_EQ(choose_accelerator(Meter::instructions, "kvm").error().exit, Exit::user);
  EXPECT_EQ(*choose_accelerator(Meter::time, "tcg"), Accelerator::tcg);
  EXPECT_EQ(choose_accelerator(Meter::time, "xen").error().exit, Exit::user);
}

TEST(Accelerator, KvmIsNeverFallenBackFrom) {
  const auto probe = probe_kvm();
  const auto chosen = choose_accelerator(Meter::time, "kvm");
  ASSERT_TRUE(probe);
  if (probe->kind == KvmProbe::Kind::real) {
    ASSERT_TRUE(chosen);
    EXPECT_EQ(*chosen, Accelerator::kvm);
  } else {
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().exit, Exit::machine);
    EXPECT_THAT(chosen.error().message, testing::HasSubstr("the time meter needs KVM"));
  }
}

// Manifests of stored runs hold these names, and samples meet only those of the same name.
TEST(Accelerator, NamesAreThoseOfStoredRuns) {
  EXPECT_EQ(describe(Accelerator::icount).name, "tcg with icount");
  EXPECT_EQ(describe(Accelerator::tcg).name, "tcg");
  EXPECT_EQ(describe(Accelerator::kvm).name, "kvm");
}

TEST(Accelerator, AMistakenWishIsToldWhatThereIs) {
  EXPECT_EQ(choose_accelerator(Meter::instructions, "kvm").error().message,
            "the instructions meter has no accelerator 'kvm'; there are: tcg (instructions meter), kvm (time meter), "
            "tcg (time meter)");
}

}  // namespace
}  // namespace nslab
