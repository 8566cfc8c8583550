// SPDX-License-Identifier: GPL-2.0
#include "kvm_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

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

/// The probe on a machine whose CPU has these flags, and that has no device.
KvmProbe probe_on(const std::string& flags) {
  const auto folder = TempFolder::make(testing::TempDir(), "probe");
  const KvmPlaces places{.device = folder->path() / "kvm", .root = folder->path()};
  std::filesystem::create_directory(folder->path() / "proc");
  EXPECT_TRUE(write_file(folder->path() / "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu " + flags + "\n"));
  return probe_kvm(Accelerator::kvm, places).value_or(KvmProbe{});
}

TEST(Probe, SaysWhatIsMissingByWhatTheCpuShows) {
  const auto intel = probe_on("vmx");
  EXPECT_EQ(intel.kind, KvmProbe::Kind::absent);
  EXPECT_THAT(intel.explanation, testing::HasSubstr("the CPU has vmx: modprobe kvm_intel. If that says 'disabled by"));
  EXPECT_THAT(probe_on("svm").explanation, testing::HasSubstr("modprobe kvm_amd"));
  EXPECT_THAT(probe_on("sse").explanation, testing::HasSubstr("turn virtualisation on in the firmware's settings"));
  EXPECT_THAT(probe_on("hypervisor sse").explanation, testing::HasSubstr("nested virtualisation"));
}

// In a child, as another user: for root, all files are open.
TEST(Probe, SaysThatTheDeviceMayNotBeOpened) {
  const auto folder = TempFolder::make(testing::TempDir(), "probe");
  const KvmPlaces places{.device = folder->path() / "kvm", .root = "/"};
  ASSERT_TRUE(write_file(places.device, ""));
  std::filesystem::permissions(places.device, std::filesystem::perms::none);
  std::filesystem::permissions(folder->path(), static_cast<std::filesystem::perms>(0711));
  EXPECT_EXIT(
      {
        if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
        const auto probe = probe_kvm(Accelerator::kvm, places);
        const bool told = probe && probe->kind == KvmProbe::Kind::forbidden &&
                          probe->explanation.find("adduser USER kvm") != std::string::npos;
        ::_exit(told ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Probe, SaysWhyAGuestCannotBeMade) {
  const auto busy = explain_failure("ioctl(KVM_CREATE_VM) failed: 16 Device or resource busy\nqemu: failed to ...\n");
  EXPECT_EQ(busy.kind, KvmProbe::Kind::blocked);
  EXPECT_THAT(busy.explanation, testing::HasSubstr("another hypervisor has the CPU (end VirtualBox or VMware): ioctl"));
  EXPECT_THAT(explain_failure("Operation not permitted").explanation, testing::HasSubstr("a container's seccomp"));
  EXPECT_THAT(explain_failure("").explanation, testing::HasSubstr("it says nothing"));
}

}  // namespace
}  // namespace nslab
