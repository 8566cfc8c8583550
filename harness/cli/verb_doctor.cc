// SPDX-License-Identifier: GPL-2.0
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "doctor_report.h"
#include "files.h"
#include "host_settings.h"
#include "kernel_table.h"
#include "kvm_probe.h"
#include "output.h"
#include "paths.h"
#include "processes.h"
#include "qemu.h"
#include "resources.h"
#include "verb.h"

namespace nslab::verb_doctor {
namespace fs = std::filesystem;

namespace {

struct DoctorArguments {
  std::string report;
};

/// Each is printed when it is found, and all are kept for a report.
class Findings {
 public:
  void line(const char* mark, const std::string& what, const std::string& found) {
    say(fmt::format("{:<5} {:<14} {}\n", mark, what, found));
  }
  void say(const std::string& words) {
    write_out(words);
    text_ += words;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Each tool and the Debian package that has it.
constexpr std::pair<const char*, const char*> kTools[] = {
    {"gcc", "gcc"}, {"ld", "binutils"}, {"make", "make"},   {"flex", "flex"},          {"bison", "bison"},
    {"bc", "bc"},   {"zstd", "zstd"},   {"patch", "patch"}, {"gnuplot", "gnuplot-nox"}};

bool check_tools(Findings& findings) {
  bool all = true;
  for (const auto& [tool, package] : kTools) {
    const auto run = run_captured({.argv = {tool, "--version"}});
    if (run) continue;
    findings.line("lacks", tool, fmt::format("apt-get install {}", package));
    all = false;
  }
  if (all) findings.line("ok", "tools", "compiler, kernel build tools, gnuplot");
  return all;
}

/// The PMU, by what perf_event_open(2) answers to perf.
void check_counters(Findings& findings) {
  const auto run = run_captured({.argv = {"perf", "stat", "-x,", "-e", "instructions:u", "true"}});
  if (!run) {
    findings.line("-", "counters", "perf is missing, so that nothing is known of the PMU: apt-get install linux-perf");
  } else if (run->status != 0 || run->output.find("not supported") != std::string::npos ||
             run->output.find("not counted") != std::string::npos) {
    findings.line("-", "counters",
                  "absent: this CPU's counters are not to be had here; the instructions meter needs none");
  } else {
    findings.line("ok", "counters", "hardware instructions can be counted");
  }
}

/// What would disturb times. The instructions meter depends on none of it.
void check_cpu(const Resources& usable, Findings& findings) {
  std::vector<std::string> calm;
  std::vector<HostSetting> disturbing;
  for (HostSetting& setting : read_host_settings()) {
    if (setting.hurts.empty()) {
      calm.push_back(setting.name + " " + setting.value);
    } else {
      disturbing.push_back(std::move(setting));
    }
  }
  findings.line("-", "cores", fmt::format("{}; {}", usable.cores, fmt::join(calm, ", ")));
  findings.line("-", "memory", fmt::format("{} MiB that nslab may use", usable.memory_mib));
  for (const HostSetting& setting : disturbing) {
    findings.line("-", "for times",
                  fmt::format("{} {}: {}; {}", setting.name, setting.value, setting.hurts, setting.remedy));
  }
}

Result<void> check_writable(const fs::path& folder) {
  TRY(make_folders(folder));
  TRY(TempFolder::make(folder, "doctor"));
  return {};
}

Result<void> examine(Findings& findings) {
  const auto paths = TRY(find_paths());
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  bool ready = true;
  bool timed = false;

  if (const auto qemu = qemu_version()) {
    findings.line("ok", "qemu", *qemu);
    const auto probe = probe_kvm();
    if (!probe) {
      findings.line("-", "kvm", probe.error().message);
    } else {
      timed = probe->is_real();
      findings.line(timed ? "ok" : "-", "kvm", fmt::format("{}: {}", name_of(probe->kind), probe->explanation));
    }
  } else {
    findings.line("lacks", "qemu", qemu.error().message);
    ready = false;
  }
  for (const Base& base : table.bases) {
    const bool needed = base.name == kDefaultBase;
    const std::pair<fs::path, const char*> files[] = {{base.source, "source"}, {base.debian_config, "config"}};
    for (const auto& [file, package] : files) {
      const bool there = is_there(file);
      findings.line(there    ? "ok"
                    : needed ? "lacks"
                             : "-",
                    "source",
                    there ? file.string()
                          : fmt::format("{}: apt-get install linux-{}-{}", file.string(), package, base.version()));
      ready = ready && (there || !needed);
    }
  }
  ready = check_tools(findings) && ready;
  check_counters(findings);
  check_cpu(usable_resources(), findings);

  if (const auto checked = check_build_folder(paths.cache); !checked) {
    findings.line("lacks", "cache", checked.error().message);
    ready = false;
  } else if (const auto writable = check_writable(paths.cache); !writable) {
    findings.line("lacks", "cache", writable.error().message);
    ready = false;
  } else {
    struct statvfs space {};
    ::statvfs(paths.cache.c_str(), &space);
    const double free_gb = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) * 1e-9;
    const bool enough = free_gb >= 10;
    findings.line(enough ? "ok" : "lacks", "cache",
                  fmt::format("{}, {:.0f} GB free{}", paths.cache.string(), free_gb,
                              enough ? "" : "; 10 GB are needed: set NSLAB_CACHE to a folder on another disk"));
    ready = ready && enough;
  }
  if (!ready) return machine_error("this machine lacks what is marked 'lacks'");
  findings.say(timed
                   ? "\nThis machine can run the instructions meter and the time meter.\n"
                   : "\nThis machine can run the instructions meter. The time meter needs KVM (see 'kvm' above); with "
                     "--accel tcg it can be tried out, and its figures are the emulator's.\n");
  return {};
}

void declare_arguments(Arguments& arguments, DoctorArguments& values) {
  arguments.option("--report", values.report,
                   "write all that one needs to see why KVM does not work; docs/inside.md says what is in it", "FILE");
}

Result<void> act(const DoctorArguments& arguments) {
  Findings findings;
  const Result<void> found = examine(findings);
  if (arguments.report.empty()) return found;
  const std::string doctor = findings.text() + (found ? "" : found.error().message + "\n");
  TRY(write_file(arguments.report, hide_names(machine_report(doctor), private_names())));
  print_out("\n{} has what was found, without the names of the user and the host. Read it before you send it.\n",
            arguments.report);
  return found;
}

const RegisterVerb registered({
    .name = "doctor",
    .help = "say what this machine can do, and what to do about the rest",
    .examples = "  nslab doctor                         what this machine can do, and what to do about the rest\n"
                "  nslab doctor --report kvm.txt       for somebody who is to find out why KVM does not work",
    .declare = verb_body<DoctorArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_doctor
