// SPDX-License-Identifier: GPL-2.0
#include "kvm_probe.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "clock.h"
#include "files.h"

namespace nslab {
namespace {

// The probe's firmware really runs, and comes to its end under TCG as well. How many cycles that takes depends on the
// host, so that we ask only for a figure; probe_kvm() tells real KVM from an emulator by that figure alone.
TEST(Probe, FirmwareRunsToItsEndUnderTcg) {
  const auto probe = probe_kvm(Accelerator::tcg);
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_GT(probe->cycles_per_turn, 0) << probe->explanation;
}

// Under icount a turn is two instructions of one nanosecond each, and the TSC counts nanoseconds: here we know
// beforehand what the firmware must find.
TEST(Probe, FirmwareCountsItsTurnsUnderIcount) {
  const auto probe = probe_kvm(Accelerator::icount);
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_EQ(probe->kind, KvmProbe::Kind::real) << probe->explanation;
  EXPECT_NEAR(probe->cycles_per_turn, 2, 0.001);
}

/// Runs the probe with another TMPDIR.
Result<KvmProbe> probe_in(const std::string& folder) {
  const char* const before = ::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", folder.c_str(), 1);
  auto probe = probe_kvm(Accelerator::icount);
  if (before == nullptr) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", kept.c_str(), 1);
  }
  return probe;
}

TEST(Probe, WorksInAnyFolder) {
  const auto folder = TempFolder::make(testing::TempDir(), "odd, name: 'a' \xff");
  ASSERT_TRUE(folder) << folder.error().message;
  const auto probe = probe_in(folder->path());
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_EQ(probe->kind, KvmProbe::Kind::real) << probe->explanation;
  EXPECT_TRUE(entries_of(folder->path())->empty());
}

TEST(Probe, WithoutATemporaryFolderSaysSo) {
  const auto probe = probe_in("/nowhere");
  ASSERT_FALSE(probe);
  EXPECT_EQ(probe.error().exit, Exit::user);
}

TEST(Probe, SaysWhatKvmIsWithinASecond) {
  const double start = monotonic_seconds();
  const auto probe = probe_kvm();
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_FALSE(probe->explanation.empty());
  EXPECT_LT(monotonic_seconds() - start, 5) << "a device that hangs must not hang the probe";
  EXPECT_EQ(probe->kind == KvmProbe::Kind::real, probe->cycles_per_turn > 0 && probe->cycles_per_turn <= 100);
}

}  // namespace
}  // namespace nslab
