// SPDX-License-Identifier: GPL-2.0
#include "host_settings.h"

#include <charconv>
#include <set>

#include "files.h"
#include "resources.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr const char* kAbsent = "absent";
constexpr const char* kLoad = "load";
constexpr double kIdleLoad = 0.5;

/// The first line of a file, or "absent".
std::string line_in(const fs::path& file) {
  const auto text = read_file(file);
  if (!text) return kAbsent;
  const auto lines = lines_of(*text);
  return lines.empty() ? "" : lines.front();
}

/// What the CPUs' files of this name say, each value once: "performance", or "performance, powersave".
std::string of_all_cpus(const fs::path& cpus, const std::string& file) {
  std::set<std::string> values;
  for (const fs::path& cpu : entries_of(cpus).value_or(std::vector<fs::path>{})) {
    const std::string name = cpu.filename().string();
    if (!name.starts_with("cpu") || name.find_first_not_of("0123456789", 3) != std::string::npos) continue;
    const std::string value = line_in(cpu / file);
    if (value != kAbsent) values.insert(value);
  }
  return values.empty() ? kAbsent : fmt::format("{}", fmt::join(values, ", "));
}

HostSetting microcode(const fs::path& root) {
  const std::string version = cpu_field(root, "microcode");
  return {"microcode", version.empty() ? kAbsent : version, "", ""};
}

HostSetting governor(const fs::path& cpus) {
  HostSetting setting{"governor", of_all_cpus(cpus, "cpufreq/scaling_governor"), "", ""};
  if (setting.value != kAbsent && setting.value != "performance") {
    setting.hurts = "the CPU's frequency follows the load";
    setting.remedy = "cpupower frequency-set -g performance";
  }
  return setting;
}

HostSetting turbo(const fs::path& cpus) {
  // Intel's driver has a switch of its own, which is the other way round.
  const std::string off = line_in(cpus / "intel_pstate/no_turbo");
  const std::string boost = line_in(cpus / "cpufreq/boost");
  HostSetting setting{"turbo", kAbsent, "", ""};
  if (off != kAbsent) setting.value = off == "1" ? "off" : "on";
  if (off == kAbsent && boost != kAbsent) setting.value = boost == "0" ? "off" : "on";
  if (setting.value == "on") {
    setting.hurts = "the frequency depends on temperature and on the other cores";
    setting.remedy = off != kAbsent ? "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"
                                    : "echo 0 > /sys/devices/system/cpu/cpufreq/boost";
  }
  return setting;
}

HostSetting smt(const fs::path& cpus) {
  const std::string active = line_in(cpus / "smt/active");
  HostSetting setting{"SMT", active == kAbsent ? active : active == "1" ? "on" : "off", "", ""};
  if (setting.value == "on") {
    setting.hurts = "two CPUs share a core, so that one takes from the other";
    setting.remedy = "echo off > /sys/devices/system/cpu/smt/control";
  }
  return setting;
}

HostSetting hypervisor(const fs::path& root) {
  const bool guest = cpu_has_flag(root, "hypervisor");
  HostSetting setting{"hypervisor", guest ? "yes" : "no", "", ""};
  if (guest) {
    setting.hurts = "this is a virtual machine, and others take its CPUs away unseen";
    setting.remedy = "measure on a real machine";
  }
  return setting;
}

/// A number that should be 0.
HostSetting sysctl(const fs::path& root, const std::string& name, const std::string& why) {
  HostSetting setting{name, line_in(root / "proc/sys/kernel" / name), "", ""};
  if (setting.value != kAbsent && setting.value != "0") {
    setting.hurts = why;
    setting.remedy = fmt::format("sysctl kernel.{}=0", name);
  }
  return setting;
}

HostSetting load(const fs::path& root) {
  const std::string line = line_in(root / "proc/loadavg");
  HostSetting setting{kLoad, line.substr(0, line.find(' ')), "", ""};
  double value = 0;
  std::from_chars(setting.value.data(), setting.value.data() + setting.value.size(), value);
  if (value > kIdleLoad) {
    setting.hurts = "other programs run";
    setting.remedy = "end them, or wait until they have ended";
  }
  return setting;
}

}  // namespace

std::vector<HostSetting> read_host_settings(const fs::path& root) {
  const fs::path cpus = root / "sys/devices/system/cpu";
  return {microcode(root),
          governor(cpus),
          turbo(cpus),
          smt(cpus),
          hypervisor(root),
          sysctl(root, "numa_balancing", "pages move between nodes while they are used"),
          sysctl(root, "nmi_watchdog", "it interrupts each CPU, and takes a hardware counter"),
          load(root)};
}

Json host_settings_json(const std::vector<HostSetting>& settings) {
  Json json = Json::object();
  for (const HostSetting& setting : settings) json[setting.name] = setting.value;
  return json;
}

Json host_identity(const Json& host, const std::vector<HostSetting>& settings) {
  Json identity = host;
  for (const HostSetting& setting : settings)
    if (setting.name != kLoad) identity[setting.name] = setting.value;
  return identity;
}

std::vector<std::string> identity_differences(const Json& then, const Json& now) {
  std::vector<std::string> differences;
  for (const auto& [name, value] : now.items()) {
    const Json before = then.contains(name) ? then.at(name) : Json("unknown");
    if (before != value) differences.push_back(fmt::format("{}: {}, here {}", name, to_text(before), to_text(value)));
  }
  return differences;
}

}  // namespace nslab
