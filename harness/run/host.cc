// SPDX-License-Identifier: GPL-2.0
#include "host.h"

#include <sys/utsname.h>

#include <algorithm>
#include <thread>

#include "resources.h"

namespace nslab {

namespace {

utsname system_name() {
  utsname name{};
  ::uname(&name);
  return name;
}

}  // namespace

std::string host_name() { return system_name().nodename; }

Json describe_host() {
  const utsname name = system_name();
  const std::string model = cpu_field("/", "model name");
  return {{"system", fmt::format("{} {} {}", name.sysname, name.release, name.machine)},
          {"cpu", model.empty() ? "unknown" : model},
          {"cores", std::thread::hardware_concurrency()}};
}

Result<unsigned> choose_jobs(int wish, int memory_mib, unsigned cores, std::uint64_t host_mib) {
  constexpr std::uint64_t kQemuMib = 256;  // what QEMU takes beside the guest's memory, most of it translated code
  const std::uint64_t each = static_cast<std::uint64_t>(memory_mib) + kQemuMib;
  const std::uint64_t fitting = host_mib / each;
  if (fitting == 0) {
    return machine_error(
        "a guest with memory_mib = {} takes {} MiB, this machine has {} MiB: lower memory_mib, and "
        "leave out the benchmarks that then do not fit",
        memory_mib, each, host_mib);
  }
  if (wish > 0 && static_cast<std::uint64_t>(wish) > fitting) {
    return machine_error("{} boots at once with memory_mib = {} take {} MiB, this machine has {} MiB: --jobs {} fits",
                         wish, memory_mib, each * static_cast<std::uint64_t>(wish), host_mib, fitting);
  }
  if (wish > 0) return static_cast<unsigned>(wish);
  return static_cast<unsigned>(std::min<std::uint64_t>(std::max(1U, cores), fitting));
}

}  // namespace nslab
