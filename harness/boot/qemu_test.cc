// SPDX-License-Identifier: GPL-2.0
#include "qemu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "clock.h"
#include "run.h"

namespace nslab {
namespace {

using testing::Contains;
using testing::Not;

std::vector<std::string> command(Accelerator accelerator) {
  return boot_command({"v", "i", "p", "f", "c"}, 7, 512, accelerator);
}

TEST(Qemu, InstructionsMeterTakesNothingFromTheHost) {
  const auto argv = command(Accelerator::icount);
  EXPECT_THAT(argv, Contains("shift=0,sleep=off,rr=record,rrfile=/dev/null"));
  EXPECT_THAT(argv, Contains("tcg,thread=single"));
  EXPECT_THAT(argv, Contains("base=2025-01-01T00:00:00,clock=vm"));
  const auto seed = std::find(argv.begin(), argv.end(), "-seed");
  ASSERT_NE(seed, argv.end());
  EXPECT_EQ(*(seed + 1), "7");
  for (const std::string& word : argv) {
    EXPECT_EQ(word.find("virtio"), std::string::npos) << word;
    EXPECT_EQ(word.find("netdev"), std::string::npos) << word;
  }
}

TEST(Qemu, EveryBootIsSandboxedAndWithoutNetwork) {
  for (const Accelerator accelerator : {Accelerator::icount, Accelerator::tcg, Accelerator::kvm}) {
    const auto argv = command(accelerator);
    const auto sandbox = std::find(argv.begin(), argv.end(), "-sandbox");
    ASSERT_NE(sandbox, argv.end());
    EXPECT_EQ(*(sandbox + 1), "on");
    EXPECT_THAT(argv, Contains("-nodefaults"));
  }
}

TEST(Qemu, OnlyTheInstructionsMeterCounts) {
  EXPECT_THAT(command(Accelerator::tcg), Not(Contains("-icount")));
  EXPECT_THAT(command(Accelerator::kvm), Not(Contains("-icount")));
  EXPECT_THAT(command(Accelerator::kvm), Contains("host"));
}

// The probe's firmware really runs. Under TCG it comes to its end, in whatever number of cycles an emulator takes; that
// it is told from real KVM is then a matter of the figure alone.
TEST(Probe, FirmwareRunsToItsEndUnderTcg) {
  const auto probe = probe_kvm(Accelerator::tcg);
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_GT(probe->cycles_per_turn, 0) << probe->explanation;
}

// Under icount a turn is two instructions of one nanosecond each, and the TSC counts them: the firmware's own measure,
// known beforehand.
TEST(Probe, FirmwareCountsItsTurnsUnderIcount) {
  const auto probe = probe_kvm(Accelerator::icount);
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_EQ(probe->kind, KvmProbe::Kind::real) << probe->explanation;
  EXPECT_NEAR(probe->cycles_per_turn, 2, 0.001);
}

TEST(Probe, SaysWhatKvmIsWithinASecond) {
  const double start = monotonic_seconds();
  const auto probe = probe_kvm();
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_FALSE(probe->explanation.empty());
  EXPECT_LT(monotonic_seconds() - start, 5) << "a device that hangs must not hang the probe";
  EXPECT_EQ(probe->kind == KvmProbe::Kind::real, probe->cycles_per_turn > 0 && probe->cycles_per_turn <= 100);
}

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

}  // namespace
}  // namespace nslab
