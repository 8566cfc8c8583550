// SPDX-License-Identifier: GPL-2.0
#include "qemu.h"

#include <algorithm>

#include "files.h"
#include "hash.h"
#include "processes.h"
#include "text.h"

namespace nslab {

namespace {

constexpr const char* kQemu = "qemu-system-x86_64";

void append(std::vector<std::string>& argv, std::initializer_list<std::string> more) {
  argv.insert(argv.end(), more.begin(), more.end());
}

/// A library's name for an option. The loader looks for a name without a folder in the system's folders.
std::string loadable(const std::filesystem::path& library) {
  return option_value(library.has_parent_path() ? library : "." / library);
}

/// The guest kernel's command line.
std::string kernel_command_line(const AcceleratorDescription& accelerator) {
  // A triple fault is the only quick way to end after a panic without ACPI.
  const std::string common = "console=ttyS0 norandmaps panic=-1 reboot=t";
  return accelerator.kernel_words.empty() ? common : common + " " + accelerator.kernel_words;
}

}  // namespace

std::string option_value(const std::filesystem::path& file) {
  std::string value;
  for (const char c : file.string()) value += c == ',' ? ",," : std::string(1, c);
  return value;
}

std::vector<std::string> machine_command(Accelerator accelerator, int vcpus) {
  std::vector<std::string> argv = {
      kQemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
      // What QEMU asks of the host's kernel is filtered: no programs, no other user, no priorities
      // (docs/durability.md).
      "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      // The PIT is the only clock that the kernel finds without ACPI. Without option ROMs the firmware has less to do.
      "-M", "microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on,x-option-roms=off", "-smp", std::to_string(vcpus),
      // The guest leaves by a port write: a machine without ACPI has no other quick way out.
      "-device", "isa-debug-exit,iobase=0x501,iosize=2"};
  const auto& its_own = describe(accelerator).qemu_arguments;
  argv.insert(argv.end(), its_own.begin(), its_own.end());
  if (vcpus > 1)
    std::replace(argv.begin(), argv.end(), std::string("tcg,thread=single"), std::string("tcg,thread=multi"));
  return argv;
}

const char* name_of(GuestMemory memory) {
  switch (memory) {
    case GuestMemory::on_demand:
      return "on demand";
    case GuestMemory::prefaulted:
      return "there from the start";
    case GuestMemory::huge_pages:
      return "there from the start, in pages of 2 MiB";
  }
  return "";
}

std::vector<std::string> boot_command(const BootFiles& files, std::uint64_t seed, int memory_mib,
                                      Accelerator accelerator, int vcpus, GuestMemory memory, std::optional<int> node) {
  const AcceleratorDescription& description = describe(accelerator);
  std::vector<std::string> argv = machine_command(accelerator, vcpus);
  append(argv, {"-cpu", description.cpu});
  // No host time and no host randomness enters the guest.
  append(argv, {"-rtc", "base=2025-01-01T00:00:00,clock=vm", "-seed", std::to_string(seed)});
  append(argv, {"-m", std::to_string(memory_mib)});
  if (memory != GuestMemory::on_demand) {
    const bool huge = memory == GuestMemory::huge_pages;
    append(argv, {"-object",
                  fmt::format("{},id=ram,size={}M,prealloc=on{}",
                              huge ? "memory-backend-memfd,hugetlb=on,hugetlbsize=2M" : "memory-backend-ram",
                              memory_mib, node ? fmt::format(",host-nodes={},policy=bind", *node) : ""),
                  "-machine", "memory-backend=ram"});
  }
  append(argv, {"-serial", "file:" + files.console.string()});  // all of it is the name, commas as well
  append(argv, {"-chardev", "file,id=frames,path=" + option_value(files.frames), "-device",
                "isa-debugcon,iobase=0xe9,chardev=frames"});
  append(argv, {"-fw_cfg", "name=opt/nslab/plan,file=" + option_value(files.plan)});
  // The watchdog counts guest seconds; QEMU then ends with status 0.
  append(argv, {"-device", "ib700", "-action", "watchdog=poweroff,panic=none"});
  append(argv, {"-kernel", files.kernel.string(), "-initrd", files.initramfs.string()});
  append(argv, {"-append", kernel_command_line(description)});
  if (!files.guard.empty()) {
    append(argv, {"-plugin", "file=" + loadable(files.guard)});
    // By it the guest says that it is ready. It is there in every boot, so that the guest finds the same machine.
    if (description.repeats) append(argv, {"-device", "pvpanic"});
  }
  if (!files.plugin.empty()) {
    append(argv, {"-plugin",
                  fmt::format("file={},symbols={},output={}{}", loadable(files.plugin), option_value(files.symbols),
                              option_value(files.counts), files.memory_accesses ? ",memory=on" : "")});
  }
  return argv;
}

Result<std::string> qemu_version() { return tool_version(kQemu, "qemu-system-x86"); }

Result<std::string> qemu_fingerprint() {
  constexpr const char* kFirmware = "bios-microvm.bin";  // what -M microvm loads
  const auto folders = TRY(run_captured({.argv = {kQemu, "-L", "help"}}));
  for (const std::string& folder : lines_of(folders.output)) {
    const auto firmware = std::filesystem::path(folder) / kFirmware;
    if (!is_there(firmware)) continue;
    Hasher hasher;
    hasher.part("program", TRY(sha256_file(find_program(kQemu)))).part("firmware", TRY(sha256_file(firmware)));
    return hasher.hex();
  }
  return machine_error("QEMU's firmware {} is missing: apt-get install qemu-system-data", kFirmware);
}

Error cannot_start_qemu(const Error& error) {
  const bool missing = find_program(kQemu).empty();
  return machine_error("{}{}", error.message, missing ? ": apt-get install qemu-system-x86" : "");
}

}  // namespace nslab
