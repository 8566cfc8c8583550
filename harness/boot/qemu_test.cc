// SPDX-License-Identifier: GPL-2.0
#include "qemu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace nslab {
namespace {

using testing::Contains;
using testing::Not;

std::vector<std::string> command(Accelerator accelerator) {
  BootFiles files{"v", "i", "p", "f", "c"};
  if (accelerator == Accelerator::icount) files.guard = "g";
  return boot_command(files, 7, 512, accelerator);
}

TEST(Qemu, InstructionsMeterTakesNothingFromTheHost) {
  const auto argv = command(Accelerator::icount);
  EXPECT_THAT(argv, Contains("shift=0,sleep=off"));
  EXPECT_THAT(argv, Contains("file=./g")) << "the guard";
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
    EXPECT_EQ(*(sandbox + 1), "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    EXPECT_THAT(argv, Contains("-nodefaults"));
  }
}

TEST(Qemu, OnlyTheInstructionsMeterCounts) {
  EXPECT_THAT(command(Accelerator::tcg), Not(Contains("-icount")));
  EXPECT_THAT(command(Accelerator::kvm), Not(Contains("-icount")));
  EXPECT_THAT(command(Accelerator::kvm), Contains("host"));
}

TEST(Qemu, SeveralVcpusRunAtOnce) {
  const auto argv = boot_command({}, 1, 512, Accelerator::tcg, 4);
  EXPECT_THAT(argv, testing::IsSupersetOf({"-smp", "4", "tcg,thread=multi"}));
  EXPECT_THAT(argv, Not(Contains("tcg,thread=single")));
  EXPECT_THAT(command(Accelerator::tcg), testing::IsSupersetOf({"-smp", "1"}));
}

TEST(Qemu, LoadsThePluginWhereFunctionsAreCounted) {
  const auto argv = boot_command({"v", "i", "p", "f", "c", "g", "/x/a.so", "s,1", "o"}, 7, 512, Accelerator::icount);
  EXPECT_THAT(argv, testing::IsSupersetOf({"-plugin", "file=/x/a.so,symbols=s,,1,output=o"}));
}

// A comma would end the value of an option that has others beside it.
TEST(Qemu, CommasInFileNamesAreDoubledWhereQemuWantsIt) {
  const auto argv = boot_command({"/a,b/v", "/a,b/i", "/a,b/p", "/a,b/f", "/a,b/c"}, 7, 512, Accelerator::icount);
  EXPECT_THAT(argv, testing::IsSupersetOf({"file,id=frames,path=/a,,b/f", "name=opt/nslab/plan,file=/a,,b/p"}));
  EXPECT_THAT(argv, testing::IsSupersetOf({"file:/a,b/c", "/a,b/v", "/a,b/i"}));
}

// Samples depend on every word. With another command line, nslab does not continue the unfinished runs that users have,
// and stored numbers may not come again.
TEST(Qemu, CommandLinesAreThoseOfStoredRuns) {
  const std::string machine =
      "qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -sandbox "
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny -M "
      "microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on,x-option-roms=off -smp 1 -device "
      "isa-debug-exit,iobase=0x501,iosize=2 ";
  const std::string rest =
      "-rtc base=2025-01-01T00:00:00,clock=vm -seed 7 -m 512 -serial file:c -chardev file,id=frames,path=f -device "
      "isa-debugcon,iobase=0xe9,chardev=frames -fw_cfg name=opt/nslab/plan,file=p -device ib700 -action "
      "watchdog=poweroff,panic=none -kernel v -initrd i -append console=ttyS0 norandmaps panic=-1 reboot=t";
  const auto line = [](Accelerator accelerator) { return fmt::format("{}", fmt::join(command(accelerator), " ")); };
  EXPECT_EQ(line(Accelerator::icount),
            machine + "-accel tcg,thread=single -icount shift=0,sleep=off -cpu qemu64 " + rest +
                " tsc=reliable tsc_early_khz=1000000 no_timer_check nolapic_timer -plugin file=./g -device pvpanic");
  EXPECT_EQ(line(Accelerator::tcg), machine + "-accel tcg,thread=single -cpu qemu64 " + rest);
  EXPECT_EQ(line(Accelerator::kvm), machine + "-accel kvm -cpu host " + rest);
}

TEST(Qemu, TimedGuestsHaveTheirMemoryFromTheStart) {
  const auto words = [](GuestMemory memory) { return boot_command({}, 1, 512, Accelerator::kvm, 1, memory); };
  EXPECT_THAT(words(GuestMemory::prefaulted),
              testing::IsSupersetOf({"memory-backend-ram,id=ram,size=512M,prealloc=on", "memory-backend=ram"}));
  EXPECT_THAT(words(GuestMemory::huge_pages),
              Contains("memory-backend-memfd,hugetlb=on,hugetlbsize=2M,id=ram,size=512M,prealloc=on"));
  EXPECT_THAT(words(GuestMemory::on_demand), Not(Contains("memory-backend=ram")));
  EXPECT_THAT(boot_command({}, 1, 512, Accelerator::kvm, 1, GuestMemory::prefaulted, 3),
              Contains("memory-backend-ram,id=ram,size=512M,prealloc=on,host-nodes=3,policy=bind"));
}

TEST(Qemu, ItsFingerprintIsAHash) {
  const auto fingerprint = qemu_fingerprint();
  ASSERT_TRUE(fingerprint) << fingerprint.error().message;
  EXPECT_EQ(fingerprint->size(), 64U);
  EXPECT_EQ(*fingerprint, *qemu_fingerprint());
}

}  // namespace
}  // namespace nslab
