// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "accelerator.h"
#include "frame.h"
#include "result.h"

namespace nslab {

/// The files of one boot.
struct BootFiles {
  std::filesystem::path kernel;  ///< a vmlinux; or a bzImage, which chooses its addresses at random (KASLR)
  std::filesystem::path initramfs;
  std::filesystem::path plan;        ///< JSON for the guest, in
  std::filesystem::path frames;      ///< debug console, out
  std::filesystem::path console;     ///< serial port, out
  std::filesystem::path guard = {};  ///< guard.so; empty under KVM
  // Where functions are counted; empty: they are not.
  std::filesystem::path plugin = {};   ///< attribution.so
  std::filesystem::path symbols = {};  ///< for the plugin, in
  std::filesystem::path counts = {};   ///< the plugin's, out
  bool memory_accesses = false;        ///< loads and stores are counted as well
};

/// QEMU's exit status when the guest's init left after a closing frame.
constexpr int kCompleteStatus = frame::qemu_status(frame::Leave::complete);

/// A file's name as the value of a key in one of QEMU's options, as in "file,path=": there a comma ends the value, and
/// two commas stand for one.
std::string option_value(const std::filesystem::path& file);

/// QEMU and the flags that a boot and the KVM probe have in common: a machine without memory, disk, network or program.
/// `vcpus`: more than one are for the time meter and for tests of what races; an emulator then runs each in a thread.
std::vector<std::string> machine_command(Accelerator accelerator, int vcpus = 1);

/// How the guest's memory is had from the host.
enum class GuestMemory {
  on_demand,   ///< page by page, as the guest touches it
  prefaulted,  ///< all of it before the guest starts, so that no page is missing while it is timed
  huge_pages,  ///< likewise, from the host's pool of pages of 2 MiB
};
/// "on demand" and so on.
const char* name_of(GuestMemory memory);

/// The command line that boots a plan. The reason for each flag stands beside it.
std::vector<std::string> boot_command(const BootFiles& files, std::uint64_t seed, int memory_mib,
                                      Accelerator accelerator, int vcpus = 1,
                                      GuestMemory memory = GuestMemory::on_demand, std::optional<int> node = {});

/// First line of `qemu-system-x86_64 --version`; Exit::machine with the package's name when there is none.
Result<std::string> qemu_version();

/// SHA-256 over the program and the firmware that a boot runs before the kernel. A version alone does not say which
/// they are: the firmware comes in a package of its own, and a QEMU may be built with any patch. Exit::machine when one
/// is missing. Takes some 0.1 s.
Result<std::string> qemu_fingerprint();

/// Why QEMU did not start, and what to install where it is not there.
Error cannot_start_qemu(const Error& error);

}  // namespace nslab
