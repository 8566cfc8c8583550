// SPDX-License-Identifier: GPL-2.0
#include "doctor_report.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <set>

#include "files.h"
#include "host_settings.h"
#include "qemu.h"
#include "resources.h"
#include "text.h"
#include "verb.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// The flags of a CPU that KVM and its speed depend on.
const std::set<std::string>& telling_flags() {
  static const std::set<std::string> flags = {"vmx",
                                              "svm",
                                              "hypervisor",
                                              "ept",
                                              "ept_ad",
                                              "vpid",
                                              "npt",
                                              "nrip_save",
                                              "tpr_shadow",
                                              "flexpriority",
                                              "vnmi",
                                              "lm",
                                              "constant_tsc",
                                              "nonstop_tsc",
                                              "tsc_known_freq",
                                              "tsc_deadline_timer",
                                              "x2apic",
                                              "arch_perfmon",
                                              "perfctr_core",
                                              "perfmon_v2",
                                              "avic"};
  return flags;
}

std::string section(const std::string& name) { return fmt::format("\n== {}\n", name); }

/// "NAME: CONTENT", where of several lines each has a line of its own below.
std::string shown(const std::string& name, const std::string& content) {
  const std::string text = without_last_newlines(content);
  return text.find('\n') == std::string::npos ? fmt::format("{}: {}\n", name, text)
                                              : fmt::format("{}:\n{}\n", name, text);
}

/// A file of the kernel's, by its name below `root`.
std::string file_at(const fs::path& root, const std::string& name) {
  const auto content = read_file(root / name);
  if (!content) return shown("/" + name, "cannot be read: " + errno_text());
  std::string text;
  for (const std::string& line : lines_of(*content)) text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  return shown("/" + name, text);
}

/// Of a file's "KEY: VALUE" lines those with these keys, each as it comes first.
std::string lines_with(const fs::path& root, const std::string& name, const std::vector<std::string>& keys) {
  const auto content = read_file(root / name);
  if (!content) return file_at(root, name);
  std::string found;
  std::set<std::string> seen;
  for (const std::string& line : lines_of(*content)) {
    std::string key = line.substr(0, line.find(':'));
    key.resize(key.find_last_not_of(" \t") + 1);
    if (std::find(keys.begin(), keys.end(), key) != keys.end() && seen.insert(key).second) found += line + '\n';
  }
  return found;
}

std::string name_of_group(gid_t id) {
  const group* const entry = ::getgrgid(id);
  return entry == nullptr ? std::to_string(id) : entry->gr_name;
}

std::string about_device(const fs::path& device) {
  struct stat state {};
  if (::stat(device.c_str(), &state) != 0) return fmt::format("/dev/kvm: {}\n", errno_text());
  std::string text = fmt::format("/dev/kvm: mode {:o}, owner {}, group {} ({}); ", state.st_mode & 07777, state.st_uid,
                                 state.st_gid, name_of_group(state.st_gid));
  return text + (::access(device.c_str(), R_OK | W_OK) == 0 ? "this user may open it\n"
                                                            : fmt::format("this user may not: {}\n", errno_text()));
}

std::string about_groups() {
  std::vector<gid_t> ids(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(ids.size()), ids.data());
  ids.resize(static_cast<std::size_t>(std::max(count, 0)));
  ids.push_back(::getegid());
  std::set<std::string> names;
  for (const gid_t id : ids) names.insert(name_of_group(id));
  return fmt::format("this user: id {}{}, groups {}\n", ::geteuid() == 0 ? "0 (root)" : "not 0",
                     ::geteuid() == ::getuid() ? "" : ", set-user-id", fmt::join(names, ", "));
}

/// Modules of KVM and of other hypervisors, with KVM's parameters.
std::string about_modules(const fs::path& root) {
  std::string text;
  for (const char* name : {"kvm", "kvm_intel", "kvm_amd", "vboxdrv", "vmmon", "hv_vmbus", "xen_evtchn"}) {
    const fs::path module = root / "sys/module" / name;
    if (!is_there(module)) continue;
    text += fmt::format("module {}\n", name);
    for (const fs::path& parameter : entries_of(module / "parameters").value_or(std::vector<fs::path>{})) {
      const auto value = read_file(parameter);
      text += fmt::format("  {}={}\n", parameter.filename().string(),
                          value ? without_last_newlines(*value) : "cannot be read: " + errno_text());
    }
  }
  return text.empty() ? "no module of KVM nor of another hypervisor is loaded\n" : text;
}

std::string about_cpu(const fs::path& root) {
  std::string text =
      lines_with(root, "proc/cpuinfo",
                 {"vendor_id", "cpu family", "model", "model name", "stepping", "microcode", "siblings", "cpu cores"});
  std::set<std::string> found;
  for (const std::string& flag : telling_flags()) {
    if (cpu_has_flag(root, flag)) found.insert(flag);
  }
  text += fmt::format("flags, of those that matter here: {}\n", fmt::join(found, " "));
  return text + lines_with(root, "proc/cpuinfo", {"vmx flags", "bugs"});
}

std::string about_kernel(const fs::path& root) {
  std::string text;
  for (const char* name :
       {"proc/sys/kernel/osrelease", "proc/sys/kernel/version", "proc/sys/kernel/perf_event_paranoid",
        "sys/kernel/security/lockdown", "sys/hypervisor/type", "sys/class/dmi/id/sys_vendor",
        "sys/class/dmi/id/product_name", "sys/devices/system/clocksource/clocksource0/current_clocksource",
        "sys/devices/system/cpu/online"}) {
    text += file_at(root, name);
  }
  const auto line = read_file(root / "proc/cmdline");
  return text + (line ? shown("/proc/cmdline", public_command_line(*line)) : file_at(root, "proc/cmdline"));
}

template <class T>
std::string answer_of(const Result<T>& result) {
  return result ? std::string(*result) : result.error().message;
}

std::string about_settings(const fs::path& root) {
  std::string text;
  for (const HostSetting& setting : read_host_settings(root)) {
    text += fmt::format("{}: {}{}\n", setting.name, setting.value, setting.hurts.empty() ? "" : "; " + setting.hurts);
  }
  return text;
}

std::string about_limits(const fs::path& root) {
  const Resources usable = usable_resources(root);
  return fmt::format("nslab may use: {}, {} MiB of memory\n", counted(usable.cores, "core"), usable.memory_mib) +
         lines_with(root, "proc/self/status",
                    {"NoNewPrivs", "Seccomp", "Seccomp_filters", "CapEff", "CapBnd", "Cpus_allowed_list",
                     "Mems_allowed_list"}) +
         file_at(root, "sys/fs/cgroup/cpuset.cpus.effective") + file_at(root, "proc/self/limits");
}

bool is_word_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

std::string machine_report(const std::string& doctor, const fs::path& root) {
  return fmt::format("What 'nslab doctor --report' of nslab {} found\n", program_version()) + section("doctor") +
         doctor + section("KVM") + about_device(root / "dev/kvm") + about_groups() + about_modules(root) +
         section("CPU") + about_cpu(root) + section("kernel") + about_kernel(root) + section("QEMU") +
         shown("version", answer_of(qemu_version())) + shown("fingerprint", answer_of(qemu_fingerprint())) +
         section("settings") + about_settings(root) + section("limits") + about_limits(root);
}

std::string public_command_line(const std::string& line) {
  static const std::vector<std::string> telling = {"kvm",
                                                   "kvm-",
                                                   "kvm_",
                                                   "mitigations",
                                                   "nested",
                                                   "intel_iommu",
                                                   "amd_iommu",
                                                   "iommu",
                                                   "isolcpus",
                                                   "nohz",
                                                   "rcu_nocbs",
                                                   "nosmt",
                                                   "maxcpus",
                                                   "nr_cpus",
                                                   "tsc",
                                                   "clocksource",
                                                   "idle",
                                                   "intel_",
                                                   "amd_",
                                                   "processor.",
                                                   "cgroup",
                                                   "lockdown",
                                                   "nmi_watchdog",
                                                   "transparent_hugepage",
                                                   "preempt",
                                                   "spectre",
                                                   "spec_",
                                                   "l1tf",
                                                   "mds",
                                                   "pti",
                                                   "nopti",
                                                   "tsx",
                                                   "no_timer_check",
                                                   "nolapic",
                                                   "acpi",
                                                   "noapic",
                                                   "systemd.unified_cgroup_hierarchy"};
  std::string text;
  for (const std::string& word : split_at(without_last_newlines(line), ' ')) {
    if (word == "--") break;  // what follows is for init
    if (word.empty()) continue;
    const auto equals = word.find('=');
    const bool tells = std::any_of(telling.begin(), telling.end(),
                                   [&word](const std::string& beginning) { return word.starts_with(beginning); });
    text += (text.empty() ? "" : " ") + (equals == std::string::npos || tells ? word : word.substr(0, equals) + "=…");
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> private_names() {
  std::vector<std::pair<std::string, std::string>> names;
  const auto add = [&names](const char* name, const char* word) {
    // Names that each machine has say nothing.
    const std::string text = name == nullptr ? "" : name;
    if (text.empty() || text == "/" || text == "root" || text == "localhost" || text == "nobody") return;
    names.emplace_back(text, word);
  };
  const passwd* const user = ::getpwuid(::getuid());
  add(user == nullptr ? nullptr : user->pw_dir, "~");
  add(std::getenv("HOME"), "~");
  add(user == nullptr ? nullptr : user->pw_name, "USER");
  for (const char* variable : {"USER", "LOGNAME", "SUDO_USER"}) add(std::getenv(variable), "USER");
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0) {
    add(host, "HOST");
    add(std::string(host).substr(0, std::string(host).find('.')).c_str(), "HOST");
  }
  return names;
}

std::string hide_names(std::string text, const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [name, word] : names) {
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;) {
      const std::size_t end = at + name.size();
      const bool starts = at == 0 || !is_word_letter(text[at - 1]) || !is_word_letter(name.front());
      const bool ends = end == text.size() || !is_word_letter(text[end]) || !is_word_letter(name.back());
      if (starts && ends) text.replace(at, name.size(), word);
      at += starts && ends ? word.size() : 1;
    }
  }
  return text;
}

}  // namespace nslab
