// SPDX-License-Identifier: GPL-2.0
#include "kvm_probe.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "paths.h"
#include "processes.h"
#include "qemu.h"
#include "resources.h"
#include "scratch_folder.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

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

// A turn is two instructions. With KVM it takes one or two cycles on any CPU, and some 50 even where the host's
// microcode steps through it. On a host that emulates we saw several thousand.
constexpr double kMostCyclesPerTurn = 100;

/// Why there is no device, as far as the CPU tells.
KvmProbe explain_absence(const KvmPlaces& places) {
  const std::string device = places.device.string();
  const bool intel = cpu_has_flag(places.root, "vmx");
  if (intel || cpu_has_flag(places.root, "svm")) {
    return {KvmProbe::Kind::absent, 0,
            fmt::format("there is no {}, and the CPU has {}: modprobe {}. If that says 'disabled by bios', turn "
                        "virtualisation on in the firmware's settings. A container needs --device {}",
                        device, intel ? "vmx" : "svm", intel ? "kvm_intel" : "kvm_amd", device)};
  }
  const bool guest = cpu_has_flag(places.root, "hypervisor");
  return {
      KvmProbe::Kind::absent, 0,
      fmt::format("there is no {}, and the CPU shows neither vmx nor svm: {}", device,
                  guest ? "this is a virtual machine, and its host does not let it have virtual machines of its own "
                          "(nested virtualisation)"
                        : "turn virtualisation on in the firmware's settings")};
}

/// "Intel, nested", as far as the machine tells.
std::string vendor_of(const fs::path& root) {
  const std::string vendor = cpu_has_flag(root, "vmx")   ? "Intel"
                             : cpu_has_flag(root, "svm") ? "AMD"
                                                         : "of unknown make";
  return cpu_has_flag(root, "hypervisor") ? vendor + ", nested: this is a virtual machine itself" : vendor;
}

}  // namespace

const char* name_of(KvmProbe::Kind kind) {
  switch (kind) {
    case KvmProbe::Kind::real:
      return "real";
    case KvmProbe::Kind::emulated:
      return "emulated";
    case KvmProbe::Kind::forbidden:
      return "no permission";
    case KvmProbe::Kind::blocked:
      return "blocked";
    case KvmProbe::Kind::absent:
      break;
  }
  return "absent";
}

KvmProbe explain_failure(const std::string& qemus_words) {
  const std::string words = without_last_newlines(qemus_words);
  const bool busy = words.find("resource busy") != std::string::npos;
  const bool refused = words.find("not permitted") != std::string::npos;
  return {KvmProbe::Kind::blocked, 0,
          fmt::format("/dev/kvm opens, but QEMU cannot run a guest with it{}: {}",
                      busy      ? ", as another hypervisor has the CPU (end VirtualBox or VMware)"
                      : refused ? ", as a filter of system calls refuses it (a container's seccomp profile)"
                                : "",
                      words.empty() ? "it says nothing" : words)};
}

Result<KvmProbe> probe_kvm(Accelerator accelerator, const KvmPlaces& places) {
  using Kind = KvmProbe::Kind;
  if (describe(accelerator).needs_kvm && !is_there(places.device)) return explain_absence(places);
  if (describe(accelerator).needs_kvm && ::access(places.device.c_str(), R_OK | W_OK) != 0) {
    const std::string why = strerror(errno);
    return KvmProbe{Kind::forbidden, 0,
                    fmt::format("{}: {}; join the group that may: adduser USER kvm, and log in again",
                                places.device.string(), why)};
  }
  const auto folder = TRY(ScratchFolder::make(TRY(temporary_folder()), "nslab-probe"));
  const fs::path firmware = folder.path() / "firmware";
  const fs::path answer_file = folder.path() / "answer";
  const fs::path log = folder.path() / "log";
  TRY(write_file(firmware, probe_firmware()));

  Command command;
  command.argv = machine_command(accelerator);
  const std::vector<std::string> firmware_and_answer = {"-m",       "16",
                                                        "-bios",    firmware.string(),
                                                        "-chardev", "file,id=answer,path=" + option_value(answer_file),
                                                        "-device",  "isa-debugcon,iobase=0x402,chardev=answer"};
  command.argv.insert(command.argv.end(), firmware_and_answer.begin(), firmware_and_answer.end());
  command.output = log;
  auto qemu = Process::start(command);
  if (!qemu) return cannot_start_qemu(qemu.error());
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
    const std::string words = read_file(log).value_or("");
    return explain_failure(words.empty() ? describe_status(*status) : words);
  }
  std::uint64_t cycles = 0;
  for (std::size_t i = 8; i >= 1; --i) cycles = cycles << 8 | static_cast<unsigned char>((*answer)[i]);
  const double per_turn = static_cast<double>(cycles) / kTurns;
  if (per_turn > kMostCyclesPerTurn) {
    return KvmProbe{Kind::emulated, per_turn,
                    fmt::format("/dev/kvm opens, but a loop of two instructions takes {:.0f} cycles a turn, where a "
                                "real one takes 1 to 50: it emulates; use a host "
                                "(or a guest with nested virtualisation) whose CPU has it",
                                per_turn)};
  }
  return KvmProbe{
      Kind::real, per_turn,
      fmt::format("{}; {:.1f} cycles for a turn of a two-instruction loop", vendor_of(places.root), per_turn)};
}

}  // namespace nslab
