// SPDX-License-Identifier: GPL-2.0
#include "perf.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "files.h"
#include "processes.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// Guest nanoseconds between two samples, which under icount are instructions. A prime, so that no loop of the
// benchmark's own keeps step with it. A sample costs some 5,000 instructions.
constexpr std::uint64_t kClockPeriod = 100'003;
constexpr std::uint64_t kCyclesPeriod = 300'007;  // about as often, on a CPU with 3 GHz

// Whose samples are left out: no instructions, and what the guest's shell-init disturbs the worker with.
constexpr const char* kNotSampled = "^(swapper|disturber)";

// The script's own exit codes.
constexpr int kBenchmarkFailed = 9;
constexpr int kKernelLacks = 10;

constexpr std::string_view kMark = "== ";  // before a part's name

const char* const kRecord = R"sh(
echo '== event'; echo $event $period
run perf record -q -a -N -o {data} -e $event -c $period -g -- micro
perf script -i {data} -F comm,ip,sym 2>/dev/null | awk '
  /^[^ \t]/ {{ comm = $1; next }}
  NF > 1 {{ sub(/^[ \t]*[0-9a-f]+ /, ""); gsub(/;/, ":"); stack = $0 (stack == "" ? "" : ";" stack); next }}
  stack != "" {{ if (comm !~ /{not_sampled}/) count[comm ";" stack]++; stack = "" }}
  END {{ for (stack in count) print stack, count[stack] }}' | sort >/tmp/stacks
comms=$(awk -F ';' '!seen[$1]++ {{ list = list (list == "" ? "" : ",") $1 }} END {{ print list }}' /tmp/stacks)
echo '== comms'; echo $comms
echo '== report'
perf report --stdio --stdio-color=never --no-children -g none --percent-limit 0.1 --comms "$comms" --percentage relative \
  -F overhead,sample,comm,sym -i {data} 2>/dev/null | sed '/^# (Cannot load tips/,$d; s/ *$//; s/\.\{{60,\}}/............/'
echo '== stacks'; cat /tmp/stacks
)sh";

const char* const kStat = R"sh(
run perf stat -e task-clock,context-switches,cpu-migrations,page-faults,minor-faults,major-faults \
  -e cycles,instructions,branches,branch-misses,cache-references,cache-misses -o /tmp/answer -- micro
echo '== report'; sed '/^# started on/d' /tmp/answer
)sh";

const char* const kTrace = R"sh(
[ -e /sys/kernel/tracing/events/raw_syscalls/sys_enter ] ||
  lacks 'it has no tracepoints of system calls (CONFIG_FTRACE_SYSCALLS)'
run perf trace -s -o /tmp/answer -- micro
echo '== report'; cat /tmp/answer
)sh";

// perf leaves out a stack's first three functions, as those of the lock itself. These kernels show one of them, and
// perf knows more by their addresses.
const char* const kLocks = R"sh(
[ -e /sys/kernel/tracing/events/lock/contention_begin ] ||
  lacks 'it has no tracepoints of lock contention (Linux 5.19 or later, and tracepoints in its config)'
run perf lock record -q -o /tmp/perf.data -- micro
echo '== report'; perf lock contention --stack-skip 1 -i /tmp/perf.data 2>&1
)sh";

// perf on the host needs a moment until it counts.
const char* const kOutside = R"sh(
sleep 2
run micro
echo '== report'
)sh";

/// The parts that a script prints.
std::vector<std::string> parts_of(PerfWork work) {
  if (work == PerfWork::sample) return {"event", "comms", "report", "stacks"};
  return {"report"};
}

}  // namespace

std::string perf_script(PerfWork work, Accelerator accelerator) {
  std::string script = fmt::format(R"sh(run() {{ "$@" >/tmp/said 2>&1 || {{ cat /tmp/said; exit {}; }}; }}
lacks() {{ echo "$1"; exit {}; }}
event=cpu-clock period={}
)sh",
                                   kBenchmarkFailed, kKernelLacks, kClockPeriod);
  switch (work) {
    case PerfWork::sample:
      if (describe(accelerator).needs_kvm) {
        script += fmt::format(
            "case $(perf stat -x, -e cycles true 2>&1) in '' | *not*) ;; *) event=cycles period={} ;; esac\n",
            kCyclesPeriod);
      }
      return script +
             fmt::format(fmt::runtime(kRecord), fmt::arg("data", kPerfData), fmt::arg("not_sampled", kNotSampled));
    case PerfWork::stat:
      return script + kStat;
    case PerfWork::trace:
      return script + kTrace;
    case PerfWork::locks:
      return script + kLocks;
    case PerfWork::none:
      break;
  }
  return script + kOutside;
}

Result<std::map<std::string, std::string>> guest_answer(const std::string& kernel, PerfWork work, int status,
                                                        std::string_view printed) {
  const std::string words = without_last_newlines(without_controls(printed));
  if (status == kKernelLacks) return negative_result("{}: {}", kernel, words);
  std::map<std::string, std::string> parts;
  std::string* part = nullptr;
  for (const std::string& line : lines_of(printed)) {
    if (line.starts_with(kMark)) {
      part = &parts[line.substr(kMark.size())];
    } else if (part != nullptr) {
      *part += line + '\n';
    }
  }
  for (const std::string& name : parts_of(work)) {
    if (status != 0 || !parts.contains(name))
      return negative_result("{}: perf did not come to its end in the guest:\n{}", kernel, words);
  }
  return parts;
}

Result<PerfEvent> perf_event(const std::string& part, Accelerator accelerator) {
  const std::string text = without_last_newlines(part);
  const auto blank = text.find(' ');
  PerfEvent event;
  event.name = text.substr(0, blank);
  const char* const end = text.data() + text.size();
  const auto [read, error] =
      std::from_chars(blank == std::string::npos ? end : text.data() + blank + 1, end, event.period);
  if (error != std::errc() || read != end || event.period == 0)
    return negative_result("the guest does not say which event was sampled: '{}'", without_controls(text));
  event.quantity = event.name == "cycles"               ? "cycles"
                   : accelerator == Accelerator::icount ? "instructions"
                                                        : "ns of CPU time";
  return event;
}

TraceSummary largest_threads(std::string_view summary, std::size_t most) {
  struct Thread {
    std::uint64_t events = 0;
    std::string text;
  };
  constexpr std::string_view kEvents = " events, ";
  std::string head;
  std::vector<Thread> threads;
  for (const std::string& line : lines_of(summary)) {
    // " micro (123), 4567 events, 8.9%" begins one.
    const auto behind = line.rfind(kEvents);
    const auto before = line.rfind(", ", behind == std::string::npos ? 0 : behind - 1);
    if (behind != std::string::npos && before != std::string::npos && line.ends_with('%')) {
      threads.emplace_back();
      std::from_chars(line.data() + before + 2, line.data() + behind, threads.back().events);
    }
    (threads.empty() ? head : threads.back().text) += line + '\n';
  }
  std::stable_sort(threads.begin(), threads.end(),
                   [](const Thread& x, const Thread& y) { return x.events > y.events; });
  TraceSummary result{.largest = head, .threads = threads.size(), .shown = std::min(threads.size(), most)};
  for (std::size_t i = 0; i < result.shown; ++i) result.largest += threads[i].text;
  return result;
}

namespace {

/// The kernel's symbols go into perf's cache under the id that its samples have.
Result<void> place_symbols(const PerfData& side, const fs::path& cache) {
  const auto listed = TRY(run_captured({.argv = {"perf", "buildid-list", "-f", "-i", side.data.string()}}));
  for (const std::string& line : lines_of(listed.output)) {
    const auto at = line.find(" [kernel.kallsyms]");
    if (at == std::string::npos) continue;
    const fs::path folder = cache / "[kernel.kallsyms]" / line.substr(0, at);
    TRY(make_folders(folder));
    return write_file(folder / "kallsyms", TRY(read_file(side.system_map)));
  }
  return negative_result("perf's samples name no kernel: was it built without a build id?\n{}",
                         without_controls(listed.output));
}

}  // namespace

Result<std::string> perf_diff(const PerfData& a, const PerfData& b, const std::vector<fs::path>& programs,
                              const fs::path& folder) {
  const fs::path cache = folder / "symbols";
  const std::vector<std::string> perf = {"perf", "--buildid-dir", cache.string()};
  TRY(place_symbols(a, cache));
  TRY(place_symbols(b, cache));
  std::vector<std::string> names;
  for (const fs::path& program : programs) names.push_back(program.string());
  Command add{.argv = perf};
  add.argv.insert(add.argv.end(), {"buildid-cache", "--add", fmt::format("{}", fmt::join(names, ","))});
  TRY(run_captured(add));       // without it, addresses stand for the functions of user space
  std::set<std::string> comms;  // perf refuses a list that names one twice
  for (const PerfData* side : {&a, &b}) {
    for (const std::string& comm : split_at(side->comms, ',')) comms.insert(comm);
  }
  Command diff{.argv = perf};
  // Sorted by comm as well: perf diff would otherwise add samples of comms that are left out to those that are not.
  diff.argv.insert(diff.argv.end(), {"diff", "-f", "-s", "comm,dso,symbol", "--percentage", "relative", "--comms",
                                     fmt::format("{}", fmt::join(comms, ",")), a.data.string(), b.data.string()});
  const auto run = TRY(run_captured(diff));
  if (run.status != 0) {
    return negative_result("perf diff fails ({}): {}", describe_status(run.status),
                           without_last_newlines(without_controls(run.output)));
  }
  std::string text;
  constexpr std::size_t kLongRule = 60;  // of dots, below a heading: as long as the longest name of C++
  for (std::string line : lines_of(run.output)) {
    line.resize(line.find_last_not_of(' ') + 1);
    if (line.ends_with(std::string(kLongRule, '.'))) line.resize(line.find_last_not_of('.') + 1 + 12, '.');
    text += line + '\n';
  }
  return text;
}

std::vector<std::string> exits_record_command(int qemu_pid, const fs::path& data) {
  return {"perf", "kvm", "-o", data.string(), "stat", "record", "-p", std::to_string(qemu_pid)};
}

std::vector<std::string> exits_report_command(const fs::path& data) {
  return {"perf", "kvm", "-i", data.string(), "stat", "report", "--event=vmexit"};
}

Result<void> check_exits(const fs::path& root) {
  if (find_program("perf").empty())
    return machine_error("--exits runs perf on this machine: apt-get install linux-perf");
  const fs::path tracing = root / "sys/kernel/tracing";
  const fs::path event = tracing / "events/kvm/kvm_exit/id";
  if (::access(event.c_str(), R_OK) == 0) return {};
  if (::access((tracing / "events").c_str(), R_OK | X_OK) != 0) {
    return machine_error(
        "--exits: {} cannot be read ({}): the tracepoints of KVM are root's. Run it as root, or let your group read "
        "them:\n  sudo mount -o remount,mode=755 /sys/kernel/tracing; sudo sysctl kernel.perf_event_paranoid=-1",
        (tracing / "events").string(), errno_text());
  }
  return machine_error(
      "--exits: there is no {}: this machine's KVM has no tracepoints, or is not loaded (modprobe "
      "kvm_intel or kvm_amd)",
      event.string());
}

}  // namespace nslab
