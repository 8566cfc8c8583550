// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "accelerator.h"
#include "result.h"

namespace nslab {

/// What perf does around a benchmark in a guest.
enum class PerfWork {
  sample,  ///< perf record, perf report, and the stacks, folded
  stat,    ///< perf stat
  trace,   ///< perf trace -s: system calls
  locks,   ///< perf lock: who waits for which lock
  none,    ///< the benchmark alone, seen from outside
};

/// What the guest runs, for a shell: parts of text, each behind a line that names it (guest_answer()).
std::string perf_script(PerfWork work, Accelerator accelerator);

/// Where perf's samples are in the guest after PerfWork::sample.
inline constexpr const char* kPerfData = "/tmp/perf.data";

/// What the script printed, by the parts' names: "report", and of samples "event", "comms" and "stacks" as well.
/// Exit::says_no when the benchmark failed, when the kernel lacks what perf needs, or when a part is missing.
Result<std::map<std::string, std::string>> guest_answer(const std::string& kernel, PerfWork work, int status,
                                                        std::string_view printed);

/// The event that was sampled.
struct PerfEvent {
  std::string name;
  std::uint64_t period = 0;
  std::string quantity;  ///< "instructions", "ns of the guest's CPU" or "cycles"
};
/// Of the part "event".
Result<PerfEvent> perf_event(const std::string& part, Accelerator accelerator);

/// The threads with the most events of what 'perf trace -s' prints, each with its table, the largest first.
struct TraceSummary {
  std::string largest;
  std::size_t threads = 0;
  std::size_t shown = 0;
};
TraceSummary largest_threads(std::string_view summary, std::size_t most);

/// One side of perf diff.
struct PerfData {
  std::filesystem::path data;        ///< perf.data, from a guest
  std::filesystem::path system_map;  ///< the symbols of the kernel that it is from
  std::string comms;                 ///< whose samples count, with commas between
};
/// What this machine's 'perf diff' prints of a and b, each with its own kernel's symbols. `programs` are what ran in
/// the guests, for the symbols of user space. `folder` gets perf's cache of symbols. Exit::machine when perf cannot be
/// run, Exit::says_no when it fails.
Result<std::string> perf_diff(const PerfData& a, const PerfData& b, const std::vector<std::filesystem::path>& programs,
                              const std::filesystem::path& folder);

/// The command lines of 'perf kvm stat', which counts a QEMU's exits from the guest by their reasons, on the host.
std::vector<std::string> exits_record_command(int qemu_pid, const std::filesystem::path& data);
std::vector<std::string> exits_report_command(const std::filesystem::path& data);
/// Whether this user may count them. Exit::machine with what to do about it. `root` is for tests, which have a /proc
/// and a /sys of their own there.
Result<void> check_exits(const std::filesystem::path& root = "/");

}  // namespace nslab
