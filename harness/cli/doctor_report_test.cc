// SPDX-License-Identifier: GPL-2.0
#include "doctor_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::Not;

TEST(DoctorReport, NamesAreHiddenWhereTheyAreWords) {
  const std::vector<std::pair<std::string, std::string>> names = {{"/home/ann", "~"}, {"ann", "USER"}, {"box", "HOST"}};
  EXPECT_EQ(hide_names("/home/ann/.cache, /home/anna; ann@box: announce, box.example ann", names),
            "~/.cache, /home/anna; USER@HOST: announce, HOST.example USER");
  EXPECT_EQ(hide_names("ann", {{"ann", "ann ann"}}), "ann ann") << "it ends";
  EXPECT_EQ(hide_names("", names), "");
}

TEST(DoctorReport, OfTheCommandLineOnlyWhatTellsIsShown) {
  EXPECT_EQ(public_command_line(
                "BOOT_IMAGE=/vmlinuz root=UUID=1-2 quiet ip=10.0.0.1 kvm.nested=1  mitigations=off -- --key 12\n"),
            "BOOT_IMAGE=… root=… quiet ip=… kvm.nested=1 mitigations=off");
  EXPECT_EQ(public_command_line(""), "");
}

TEST(DoctorReport, WhatCannotBeReadIsSaidInItsPlace) {
  const auto root = TempFolder::make(fs::temp_directory_path(), "report-test");
  ASSERT_TRUE(root);
  const std::string text = machine_report("ok    qemu\n", root->path());
  for (const char* name : {"doctor", "KVM", "CPU", "kernel", "QEMU", "settings", "limits"})
    EXPECT_THAT(text, HasSubstr(fmt::format("\n== {}\n", name)));
  EXPECT_THAT(text, HasSubstr("== doctor\nok    qemu\n"));
  EXPECT_THAT(text, HasSubstr("/dev/kvm: No such file or directory"));
  EXPECT_THAT(text, HasSubstr("no module of KVM"));
  EXPECT_THAT(text, HasSubstr("/proc/cpuinfo: cannot be read: No such file or directory"));
  EXPECT_THAT(text, HasSubstr("/proc/cmdline: cannot be read"));
  EXPECT_THAT(text, HasSubstr("/proc/self/limits: cannot be read"));
}

TEST(DoctorReport, HasWhatKvmDependsOn) {
  const auto root = TempFolder::make(fs::temp_directory_path(), "report-test");
  ASSERT_TRUE(root);
  const auto put = [&](const std::string& name, const std::string& content) {
    ASSERT_TRUE(make_folders((root->path() / name).parent_path()));
    ASSERT_TRUE(write_file(root->path() / name, content));
  };
  put("dev/kvm", "");
  put("sys/module/kvm_intel/parameters/nested", "Y\n");
  put("sys/module/vboxdrv/refcnt", "1\n");
  put("proc/cpuinfo",
      "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nmicrocode\t: 0x1\nflags\t\t: fpu vmx ept sse\n\n"
      "processor\t: 1\nvendor_id\t: GenuineIntel\n");
  put("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n");
  put("proc/cmdline", "root=/dev/vda quiet\n");
  put("proc/self/status", "Name:\tnslab\nSeccomp:\t2\nCpus_allowed_list:\t0-1\n");
  const std::string text = machine_report("", root->path());
  EXPECT_THAT(text, HasSubstr("module kvm_intel\n  nested=Y\nmodule vboxdrv\n"));
  EXPECT_THAT(text, HasSubstr("vendor_id\t: GenuineIntel\nmodel name\t: Xeon\nmicrocode\t: 0x1\n"));
  EXPECT_THAT(text, HasSubstr("flags, of those that matter here: ept vmx\n"));
  EXPECT_THAT(text, HasSubstr("/proc/sys/kernel/osrelease: 6.1.0-9-amd64\n"));
  EXPECT_THAT(text, HasSubstr("/proc/cmdline: root=… quiet\n"));
  EXPECT_THAT(text, HasSubstr("Seccomp:\t2\nCpus_allowed_list:\t0-1\n"));
  EXPECT_THAT(text, HasSubstr("/dev/kvm: mode "));
  EXPECT_THAT(text, Not(HasSubstr("processor\t")));
}

TEST(DoctorReport, ThisMachinesNamesAreHidden) {
  const auto names = private_names();
  std::string words;
  for (const auto& [name, word] : names) words += name + " and /x/" + name + "/y\n";
  const std::string text = hide_names(machine_report(words), names);
  for (const auto& [name, word] : names) EXPECT_EQ(hide_names(text, {{name, "found"}}), text) << name;
}

}  // namespace
}  // namespace nslab
