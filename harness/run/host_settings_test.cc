// SPDX-License-Identifier: GPL-2.0
#include "host_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

/// A machine's /proc and /sys, as far as they were recorded.
class HostSettings : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((root_.path() / name).parent_path());
    ASSERT_TRUE(write_file(root_.path() / name, text));
  }
  /// "governor=powersave: cpupower …", those that hurt; the others without a remedy.
  std::vector<std::string> read() const {
    std::vector<std::string> texts;
    for (const HostSetting& setting : read_host_settings(root_.path())) {
      EXPECT_EQ(setting.hurts.empty(), setting.remedy.empty()) << setting.name;
      texts.push_back(setting.name + "=" + setting.value + (setting.remedy.empty() ? "" : ": " + setting.remedy));
    }
    return texts;
  }
  TempFolder root_ = *TempFolder::make(testing::TempDir(), "host-settings");
  const std::string cpu_ = "sys/devices/system/cpu/";
};

TEST_F(HostSettings, OfAnIntelMachineAsItIsInstalled) {
  write(cpu_ + "cpu0/cpufreq/scaling_governor", "powersave\n");
  write(cpu_ + "cpu1/cpufreq/scaling_governor", "performance\n");
  write(cpu_ + "cpufreq/policy0/scaling_governor", "schedutil\n");  // no CPU's own folder
  write(cpu_ + "intel_pstate/no_turbo", "0\n");
  write(cpu_ + "smt/active", "1\n");
  write("proc/cpuinfo", "microcode\t: 0xf4\nflags\t\t: fpu vmx sse\n");
  write("proc/sys/kernel/numa_balancing", "0\n");
  write("proc/sys/kernel/nmi_watchdog", "1\n");
  write("proc/loadavg", "0.03 0.10 0.20 1/300 4000\n");
  EXPECT_THAT(read(), testing::ElementsAre(
                          "microcode=0xf4", "governor=performance, powersave: cpupower frequency-set -g performance",
                          "turbo=on: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo",
                          "SMT=on: echo off > /sys/devices/system/cpu/smt/control", "hypervisor=no", "numa_balancing=0",
                          "nmi_watchdog=1: sysctl kernel.nmi_watchdog=0", "load=0.03"));
}

TEST_F(HostSettings, OfAnAmdMachineWithBoost) {
  write(cpu_ + "cpu0/cpufreq/scaling_governor", "performance\n");
  write(cpu_ + "cpufreq/boost", "1\n");
  write(cpu_ + "smt/active", "0\n");
  write("proc/cpuinfo", "flags\t\t: fpu svm\n");
  write("proc/sys/kernel/numa_balancing", "1\n");
  write("proc/loadavg", "1.70 0.10 0.20 1/300 4000\n");
  EXPECT_THAT(read(),
              testing::ElementsAre("microcode=absent", "governor=performance",
                                   "turbo=on: echo 0 > /sys/devices/system/cpu/cpufreq/boost", "SMT=off",
                                   "hypervisor=no", "numa_balancing=1: sysctl kernel.numa_balancing=0",
                                   "nmi_watchdog=absent", "load=1.70: end them, or wait until they have ended"));
}

TEST_F(HostSettings, OfAVirtualMachineThatShowsNone) {
  write("proc/cpuinfo", "flags\t\t: fpu hypervisor\n");
  EXPECT_THAT(read(), testing::ElementsAre("microcode=absent", "governor=absent", "turbo=absent", "SMT=absent",
                                           "hypervisor=yes: measure on a real machine", "numa_balancing=absent",
                                           "nmi_watchdog=absent", "load=absent"));
  EXPECT_EQ(host_settings_json(read_host_settings(root_.path()))["governor"], "absent");
}

TEST_F(HostSettings, TimesBelongToTheMachineAndItsSettingsButNotToTheLoad) {
  const Json host = {{"cpu", "X"}};
  write("proc/loadavg", "0.03 0.10 0.20 1/300 4000\n");
  write(cpu_ + "smt/active", "1\n");
  const Json before = host_identity(host, read_host_settings(root_.path()));
  write("proc/loadavg", "3.03 0.10 0.20 1/300 4000\n");
  EXPECT_EQ(host_identity(host, read_host_settings(root_.path())), before);
  write(cpu_ + "smt/active", "0\n");
  const Json after = host_identity({{"cpu", "Y"}}, read_host_settings(root_.path()));
  EXPECT_THAT(identity_differences(before, after),
              testing::ElementsAre("cpu: \"X\", here \"Y\"", "SMT: \"on\", here \"off\""));
}

}  // namespace
}  // namespace nslab
