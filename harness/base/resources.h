// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace nslab {

/// What this process may use of the machine, which is less than all of it in a container: its control group and those
/// above it (versions 1 and 2) can set limits.
struct Resources {
  unsigned cores = 1;            ///< of the CPU time limit, a part of a core counts as one
  std::uint64_t memory_mib = 0;  ///< in use or not
};

/// `root` is for tests, which have a /proc and a /sys of their own there.
Resources usable_resources(const std::filesystem::path& root = "/");

/// What /proc/cpuinfo says of the first CPU under this name, as "model name"; empty: nothing. `root` as above.
std::string cpu_field(const std::filesystem::path& root, const std::string& name);
/// Whether the CPU shows this flag in /proc/cpuinfo, as "vmx" or "hypervisor". `root` as above.
bool cpu_has_flag(const std::filesystem::path& root, const std::string& flag);

/// Watches the kernel's OOM killer. It is made before a child is started, and asked when the child was killed by a
/// signal 9 that we did not send.
class OomWatch {
 public:
  explicit OomWatch(std::filesystem::path root = "/");
  /// A sentence when the OOM killer has killed processes since: of our control group, or elsewhere on this machine.
  std::optional<std::string> evidence() const;

 private:
  struct Kills {
    std::uint64_t of_group = 0;
    std::uint64_t of_machine = 0;
  };
  Kills count() const;

  std::filesystem::path root_;
  Kills before_;
};

}  // namespace nslab
