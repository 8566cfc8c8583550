// SPDX-License-Identifier: GPL-2.0
#include "qemu.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "processes.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr const char* kQemu = "qemu-system-x86_64";

void append(std::vector<std::string>& argv, std::initializer_list<std::string> more) {
  argv.insert(argv.end(), more.begin(), more.end());
}

/// The guest kernel's command line.
std::string kernel_command_line(Accelerator accelerator) {
  // A triple fault is the only quick way to end after a panic without ACPI.
  std::string line = "console=ttyS0 norandmaps panic=-1 reboot=t";
  if (accelerator == Accelerator::icount) {
    // One instruction is one nanosecond and one tick of the TSC, which is known and need not be measured. The local
    // APIC's timer would be calibrated against another clock for 216 million instructions of polling, most of a boot's;
    // the PIT ticks instead, alike for every kernel.
    line += " tsc=reliable tsc_early_khz=1000000 no_timer_check nolapic_timer";
  }
  return line;
}

/// The flags that are the same for boots and for the probe.
std::vector<std::string> common_command(Accelerator accelerator) {
  std::vector<std::string> argv = {
      kQemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-sandbox", "on",
      // The PIT is the only clock that the kernel finds without ACPI; without option ROMs the firmware has less to do.
      "-M", "microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on,x-option-roms=off", "-smp", "1",
      // The guest leaves by a port write; a machine without ACPI has no other quick way out.
      "-device", "isa-debug-exit,iobase=0x501,iosize=2"};
  switch (accelerator) {
    case Accelerator::icount:
      // One vCPU in one thread; a shift of 0 is one nanosecond an instruction; sleep=off skips idle time at once. The
      // recording is thrown away. What it brings is its lock, which keeps QEMU's main loop from running while the vCPU
      // does: without it the main loop may skip idle time from a clock that lacks the vCPU's last instructions.
      append(argv, {"-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off,rr=record,rrfile=/dev/null"});
      break;
    case Accelerator::tcg:
      append(argv, {"-accel", "tcg,thread=single"});
      break;
    case Accelerator::kvm:
      append(argv, {"-accel", "kvm"});
      break;
  }
  return argv;
}

}  // namespace

const char* name_of(Accelerator accelerator) {
  switch (accelerator) {
    case Accelerator::icount:
      return "tcg with icount";
    case Accelerator::tcg:
      return "tcg";
    case Accelerator::kvm:
      return "kvm";
  }
  return "";
}

std::vector<std::string> boot_command(const BootFiles& files, std::uint64_t seed, int memory_mib,
                                      Accelerator accelerator) {
  std::vector<std::string> argv = common_command(accelerator);
  // A named CPU: the same features, hence the same kernel paths, on every host. KVM's point is the host's own CPU.
  append(argv, {"-cpu", accelerator == Accelerator::kvm ? "host" : "qemu64"});
  // No host time and no host randomness enters the guest.
  append(argv, {"-rtc", "base=2025-01-01T00:00:00,clock=vm", "-seed", std::to_string(seed)});
  append(argv, {"-m", std::to_string(memory_mib)});
  append(argv, {"-serial", "file:" + files.console.string()});
  append(argv, {"-chardev", "file,id=frames,path=" + files.frames.string(), "-device",
                "isa-debugcon,iobase=0xe9,chardev=frames"});
  append(argv, {"-fw_cfg", "name=opt/nslab/plan,file=" + files.plan.string()});
  // The watchdog counts guest seconds; QEMU then ends with status 0.
  append(argv, {"-device", "ib700", "-action", "watchdog=poweroff"});
  append(argv, {"-kernel", files.vmlinux.string(), "-initrd", files.initramfs.string()});
  append(argv, {"-append", kernel_command_line(accelerator)});
  return argv;
}

Result<std::string> qemu_version() {
  const auto run = run_captured({.argv = {kQemu, "--version"}});
  if (!run || run->status != 0) return machine_error("{} is missing: apt-get install qemu-system-x86", kQemu);
  return run->output.substr(0, run->output.find('\n'));
}

namespace {

constexpr int kTurns = 100'000;
constexpr unsigned kFirmwareBytes = 64 * 1024;

// Real mode, entered at F000:0000. Sends 'N' and the 64-bit difference of two RDTSC, little endian, to port 0x402.
constexpr unsigned char kProbeCode[] = {
    0xfa,                                // cli
    0x0f, 0x31,                          // rdtsc
    0x66, 0x89, 0xc6,                    // mov esi, eax
    0x66, 0x89, 0xd7,                    // mov edi, edx
    0x66, 0xb9, 0xa0, 0x86, 0x01, 0x00,  // mov ecx, 100000
    0x66, 0x49,                          // turn: dec ecx
    0x75, 0xfc,                          // jnz turn
    0x0f, 0x31,                          // rdtsc
    0x66, 0x29, 0xf0,                    // sub eax, esi
    0x66, 0x19, 0xfa,                    // sbb edx, edi
    0x66, 0x89, 0xc3,                    // mov ebx, eax
    0x66, 0x89, 0xd7,                    // mov edi, edx
    0xba, 0x02, 0x04,                    // mov dx, 0x402
    0xb0, 'N',                           // mov al, 'N'
    0xee,                                // out dx, al
    0xb9, 0x04, 0x00,                    // mov cx, 4
    0x88, 0xd8,                          // low: mov al, bl
    0xee,                                // out dx, al
    0x66, 0xc1, 0xeb, 0x08,              // shr ebx, 8
    0xe2, 0xf7,                          // loop low
    0xb9, 0x04, 0x00,                    // mov cx, 4
    0x66, 0x89, 0xf8,                    // high: mov eax, edi
    0xee,                                // out dx, al
    0x66, 0xc1, 0xef, 0x08,              // shr edi, 8
    0xe2, 0xf6,                          // loop high
    0xb0, 0x10,                          // mov al, 0x10
    0xba, 0x01, 0x05,                    // mov dx, 0x501
    0xee,                                // out dx, al
    0xf4,                                // stop: hlt
    0xeb, 0xfd,                          // jmp stop
};
static_assert(kTurns == 0x000186a0);

std::string probe_firmware() {
  std::string firmware(kFirmwareBytes, '\xf4');
  memcpy(firmware.data(), kProbeCode, sizeof kProbeCode);
  const unsigned char reset_vector[] = {0xea, 0x00, 0x00, 0x00, 0xf0};  // jmp F000:0000
  memcpy(firmware.data() + kFirmwareBytes - 16, reset_vector, sizeof reset_vector);
  return firmware;
}

// A turn is two instructions: one or two cycles on any CPU with KVM, and some 50 even where it is single-stepped by the
// host's microcode. Seen on an emulating host: several thousand.
constexpr double kMostCyclesPerTurn = 100;

}  // namespace

Result<KvmProbe> probe_kvm(Accelerator accelerator) {
  using Kind = KvmProbe::Kind;
  if (accelerator == Accelerator::kvm && ::access("/dev/kvm", R_OK | W_OK) != 0) {
    const std::string why = strerror(errno);
    return KvmProbe{
        Kind::absent, 0,
        fmt::format("/dev/kvm: {}; load kvm_intel or kvm_amd, or join the group kvm (adduser USER kvm)", why)};
  }
  auto folder = TRY(TempFolder::make(fs::temp_directory_path(), "nslab-probe"));
  const fs::path firmware = folder.path() / "firmware";
  const fs::path answer_file = folder.path() / "answer";
  const fs::path log = folder.path() / "log";
  TRY(write_file(firmware, probe_firmware()));

  Command command;
  command.argv = common_command(accelerator);
  append(command.argv,
         {"-m", "16", "-bios", firmware.string(), "-chardev", "file,id=answer,path=" + answer_file.string(), "-device",
          "isa-debugcon,iobase=0x402,chardev=answer"});
  command.output = log;
  auto qemu = Process::start(command);
  if (!qemu) return machine_error("{}: apt-get install qemu-system-x86", qemu.error().message);
  const auto status = qemu->wait_for(0.9);
  if (!status) {
    return KvmProbe{
        Kind::emulated, 0,
        fmt::format("/dev/kvm opens, but {} turns of a loop did not end within a second: it emulates; use a host "
                    "(or a guest with nested virtualisation) whose CPU has it",
                    kTurns)};
  }
  const auto answer = read_file(answer_file);
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != kCompleteStatus || !answer || answer->size() != 9 ||
      (*answer)[0] != 'N') {
    const auto text = read_file(log);
    return KvmProbe{Kind::absent, 0,
                    fmt::format("QEMU could not run a guest under {} ({}): {}", name_of(accelerator),
                                describe_status(*status), text ? *text : "")};
  }
  std::uint64_t cycles = 0;
  for (std::size_t i = 8; i >= 1; --i) cycles = cycles << 8 | static_cast<unsigned char>((*answer)[i]);
  const double per_turn = static_cast<double>(cycles) / kTurns;
  if (per_turn > kMostCyclesPerTurn) {
    return KvmProbe{
        Kind::emulated, per_turn,
        fmt::format("/dev/kvm opens, but a loop of two instructions takes {:.0f} cycles a turn: it emulates; use a "
                    "host (or a guest with nested virtualisation) whose CPU has it",
                    per_turn)};
  }
  return KvmProbe{Kind::real, per_turn, fmt::format("{:.1f} cycles for a turn of a two-instruction loop", per_turn)};
}

}  // namespace nslab
