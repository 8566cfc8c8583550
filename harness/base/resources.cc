// SPDX-License-Identifier: GPL-2.0
#include "resources.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "files.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& file) { return read_file(file).value_or(""); }

/// The number that a text begins with; nothing where it begins otherwise, as "max" and "-1" do, which mean no limit.
std::optional<std::uint64_t> number_in(const std::string& text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() ? std::optional(number) : std::nullopt;
}

/// The number after "KEY " at the start of a line; 0 where there is none.
std::uint64_t counter_in(const std::string& text, const std::string& key) {
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with(key + " ")) return number_in(line.substr(key.size() + 1)).value_or(0);
  }
  return 0;
}

/// Where a controller's files of our control group are: the group's folder first, then the groups above it, as far as
/// they can be seen from here. An empty list: the controller is not in use.
std::vector<fs::path> groups_of(const std::string& controller, int version, const fs::path& root) {
  std::string group;
  for (const std::string& line : lines_of(content_of(root / "proc/self/cgroup"))) {
    // "4:memory:/a/b", or "0::/a/b" for version 2
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = split_at(line.substr(first + 1, second - first - 1), ',');
    const bool is_it = version == 2
                           ? controllers.empty()
                           : std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
    if (is_it) group = line.substr(second + 1);
  }
  if (group.empty()) return {};
  for (const std::string& line : lines_of(content_of(root / "proc/self/mountinfo"))) {
    // "36 35 98:0 ROOT MOUNTPOINT options … - TYPE source options"
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto mount = split_at(line.substr(0, dash), ' ');
    const auto system = split_at(line.substr(dash + 3), ' ');
    if (mount.size() < 5 || system.size() < 3 || system[0] != (version == 2 ? "cgroup2" : "cgroup")) continue;
    const auto options = split_at(system[2], ',');
    if (version == 1 && std::find(options.begin(), options.end(), controller) == options.end()) continue;
    const fs::path top = root / fs::path(mount[4]).relative_path();
    // A container often sees its own group as the mount's root, under whatever name the group has outside.
    const fs::path below = fs::path(group).lexically_relative(mount[3]);
    const bool inside = !below.empty() && *below.begin() != "..";
    std::vector<fs::path> folders;
    for (fs::path folder = (inside ? top / below : top).lexically_normal(); is_folder(folder);
         folder = folder.parent_path()) {
      if (folder.filename().empty()) continue;  // a slash at the end
      folders.push_back(folder);
      if (folder == top.lexically_normal()) break;
    }
    return folders.empty() ? std::vector{top} : folders;
  }
  return {};
}

std::uint64_t memory_limit_mib(const fs::path& root) {
  auto least = ~std::uint64_t{0};
  for (const auto& [version, file] : {std::pair(1, "memory.limit_in_bytes"), std::pair(2, "memory.max")}) {
    for (const fs::path& group : groups_of("memory", version, root))
      least = std::min(least, number_in(content_of(group / file)).value_or(least));
  }
  return least >> 20;
}

unsigned core_limit(const fs::path& root) {
  auto least = ~std::uint64_t{0};
  const auto limit = [&](const std::string& quota, const std::string& period) {
    const auto time = number_in(quota);
    const auto of = number_in(period);
    if (time && of && *of > 0) least = std::min(least, (*time + *of - 1) / *of);
  };
  for (const fs::path& group : groups_of("cpu", 1, root))
    limit(content_of(group / "cpu.cfs_quota_us"), content_of(group / "cpu.cfs_period_us"));
  for (const fs::path& group : groups_of("cpu", 2, root)) {
    const auto words = split_at(content_of(group / "cpu.max"), ' ');
    if (words.size() == 2) limit(words[0], words[1]);
  }
  return static_cast<unsigned>(std::clamp<std::uint64_t>(least, 1, ~0U));
}

}  // namespace

Resources usable_resources(const fs::path& root) {
  const auto machine_mib =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) >> 20;
  return {.cores = std::min(std::max(1U, std::thread::hardware_concurrency()), core_limit(root)),
          .memory_mib = std::min(machine_mib, memory_limit_mib(root))};
}

std::string cpu_field(const fs::path& root, const std::string& name) {
  for (const std::string& line : lines_of(content_of(root / "proc/cpuinfo"))) {
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1) == name) return line.substr(colon + 2);
  }
  return "";
}

bool cpu_has_flag(const fs::path& root, const std::string& flag) {
  return (" " + cpu_field(root, "flags") + " ").find(" " + flag + " ") != std::string::npos;
}

OomWatch::OomWatch(fs::path root) : root_(std::move(root)), before_(count()) {}

OomWatch::Kills OomWatch::count() const {
  Kills kills;
  for (const auto& [version, file] : {std::pair(1, "memory.oom_control"), std::pair(2, "memory.events")}) {
    const auto groups = groups_of("memory", version, root_);
    if (!groups.empty()) kills.of_group += counter_in(content_of(groups.front() / file), "oom_kill");
  }
  kills.of_machine = counter_in(content_of(root_ / "proc/vmstat"), "oom_kill");
  return kills;
}

std::optional<std::string> OomWatch::evidence() const {
  const Kills now = count();
  if (now.of_group > before_.of_group) {
    return fmt::format(
        "Memory ran out: the kernel's OOM killer has killed {} of this container's processes meanwhile; "
        "{} MiB are all that they may use",
        now.of_group - before_.of_group, usable_resources(root_).memory_mib);
  }
  if (now.of_machine > before_.of_machine) {
    return fmt::format("Memory ran out: the kernel's OOM killer has killed {} of this machine's processes meanwhile",
                       now.of_machine - before_.of_machine);
  }
  return std::nullopt;
}

}  // namespace nslab
