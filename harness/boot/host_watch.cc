// SPDX-License-Identifier: GPL-2.0
#include "host_watch.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "clock.h"
#include "files.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kInvoluntary = "nonvoluntary_ctxt_switches:";
constexpr std::string_view kState = "State:\t";

cpu_set_t set_of(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  return set;
}

Result<void> keep_on(int thread, const std::vector<int>& cpus) {
  const cpu_set_t wanted = set_of(cpus);
  cpu_set_t found;
  CPU_ZERO(&found);
  if (::sched_setaffinity(thread, sizeof wanted, &wanted) != 0 ||
      ::sched_getaffinity(thread, sizeof found, &found) != 0) {
    return machine_error("cannot keep a thread of QEMU on CPU {}: {}", cpu_list_text(cpus), errno_text());
  }
  if (CPU_EQUAL(&wanted, &found)) return {};
  return machine_error("the kernel does not let a thread of QEMU be kept on CPU {}", cpu_list_text(cpus));
}

Result<void> give_priority(int thread) {
  const sched_param priority = {.sched_priority = 1};
  if (::sched_setscheduler(thread, SCHED_FIFO, &priority) == 0) return {};
  return machine_error("cannot give a thread of QEMU the priority of --fifo: {}. Root may, and who has 'ulimit -r 1'",
                       errno_text());
}

/// The number at the start of a file.
std::optional<std::uint64_t> number_in(const fs::path& file) {
  const auto text = read_file(file);
  std::uint64_t number = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc())
    return std::nullopt;
  return number;
}

/// Microseconds of one CPU: in use by anybody, and stolen.
struct CpuTimes {
  std::uint64_t busy_us = 0;
  std::uint64_t stolen_us = 0;
};

std::map<int, CpuTimes> cpu_times(const fs::path& root) {
  const auto us_a_tick = static_cast<std::uint64_t>(1'000'000 / ::sysconf(_SC_CLK_TCK));
  std::map<int, CpuTimes> times;
  const auto text = read_file(root / "proc/stat");
  for (const std::string& line : lines_of(text ? *text : "")) {
    if (!line.starts_with("cpu") || line.starts_with("cpu ")) continue;
    std::istringstream fields(line.substr(3));
    int cpu = 0;
    std::uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, interrupts = 0, soft = 0, steal = 0;
    fields >> cpu >> user >> nice >> system >> idle >> iowait >> interrupts >> soft >> steal;
    times[cpu] = {(user + nice + system + interrupts + soft) * us_a_tick, steal * us_a_tick};
  }
  return times;
}

std::uint64_t since(std::uint64_t before, std::uint64_t now) { return now > before ? now - before : 0; }

}  // namespace

Result<void> pin(int pid, const std::vector<int>& vcpu_threads, const CpuPlace& place, bool fifo) {
  if (vcpu_threads.size() != place.vcpus.size()) {
    return negative_result("QEMU has {} threads for {} vCPUs: they cannot be kept apart", vcpu_threads.size(),
                           place.vcpus.size());
  }
  for (const fs::path& task : TRY(entries_of(fmt::format("/proc/{}/task", pid)))) {
    const int thread = std::stoi(task.filename().string());
    const auto vcpu = std::find(vcpu_threads.begin(), vcpu_threads.end(), thread);
    if (vcpu == vcpu_threads.end()) {
      // One that has ended meanwhile is of no interest.
      if (const auto kept = keep_on(thread, place.others); !kept && is_there(task)) return kept;
      continue;
    }
    TRY(keep_on(thread, {place.vcpus[static_cast<std::size_t>(vcpu - vcpu_threads.begin())]}));
    if (fifo) TRY(give_priority(thread));
  }
  return {};
}

HostWatch::HostWatch(int pid, std::vector<int> vcpu_threads, CpuPlace place, fs::path root)
    : pid_(pid), threads_(std::move(vcpu_threads)), place_(std::move(place)), root_(std::move(root)) {
  first_ = last_ = count();
}

HostWatch::Counts HostWatch::count() const {
  Counts counts;
  for (const int thread : threads_) {
    const fs::path task = root_ / fmt::format("proc/{}/task/{}", pid_, thread);
    const auto scheduled = read_file(task / "schedstat");
    const auto status = read_file(task / "status");
    if (!scheduled || !status) return last_;  // it has ended: the last look stays
    std::istringstream fields(*scheduled);
    std::uint64_t ran_ns = 0;
    std::uint64_t waited_ns = 0;
    fields >> ran_ns >> waited_ns;
    counts.ran_us += ran_ns / 1000;
    counts.waited_us += waited_ns / 1000;
    if (const auto at = status->find(kState); at != std::string::npos && at + kState.size() < status->size())
      counts.stopped = counts.stopped || std::tolower((*status)[at + kState.size()]) == 't';
    if (const auto at = status->find(kInvoluntary); at != std::string::npos)
      counts.preempted += std::stoull("0" + status->substr(status->find_first_of("0123456789", at)));
  }
  counts.knows_cpus = true;
  counts.watched_us = static_cast<std::uint64_t>(monotonic_seconds() * 1e6) * threads_.size();
  const auto times = cpu_times(root_);
  const auto of = [&](int cpu) { return times.contains(cpu) ? times.at(cpu) : CpuTimes{}; };
  for (const int cpu : place_.vcpus) {
    counts.busy_us += of(cpu).busy_us;
    counts.stolen_us += of(cpu).stolen_us;
    const fs::path throttle = root_ / fmt::format("sys/devices/system/cpu/cpu{}/thermal_throttle", cpu);
    for (const char* kind : {"core_throttle_count", "package_throttle_count"})
      counts.throttled += number_in(throttle / kind).value_or(0);
    counts.knows_cpus = counts.knows_cpus && times.contains(cpu);
  }
  for (const int cpu : place_.siblings) counts.siblings_us += of(cpu).busy_us;
  return counts;
}

void HostWatch::look_at_frequency() {
  for (const int cpu : place_.vcpus) {
    const fs::path folder = root_ / fmt::format("sys/devices/system/cpu/cpu{}", cpu);
    knows_throttling_ = knows_throttling_ || is_there(folder / "thermal_throttle");
    const auto khz = number_in(folder / "cpufreq/scaling_cur_freq");
    if (!khz) continue;
    const std::uint64_t mhz = *khz / 1000;
    auto& [low, high] = mhz_.try_emplace(cpu, mhz, mhz).first->second;
    low = std::min(low, mhz);
    high = std::max(high, mhz);
  }
  for (const fs::path& zone : entries_of(root_ / "sys/class/thermal").value_or(std::vector<fs::path>{})) {
    if (!zone.filename().string().starts_with("thermal_zone")) continue;
    celsius_ = std::max(celsius_, number_in(zone / "temp").value_or(0) / 1000);
  }
}

void HostWatch::look() {
  const Counts before = last_;
  last_ = count();
  if (last_.stopped) stopped_us_ += since(before.watched_us, last_.watched_us);
  // An idle CPU's frequency says nothing of the guest.
  if (2 * since(before.ran_us, last_.ran_us) > since(before.watched_us, last_.watched_us)) look_at_frequency();
}

std::map<std::string, std::uint64_t> HostWatch::numbers() const {
  const std::uint64_t watched = since(first_.watched_us, last_.watched_us);
  const std::uint64_t ran = since(first_.ran_us, last_.ran_us);
  if (watched == 0 || ran == 0) return {};  // this host does not account for it
  std::map<std::string, std::uint64_t> numbers = {{"host_cpu", static_cast<std::uint64_t>(place_.vcpus.front())},
                                                  {"host_watched_us", watched},
                                                  {"host_ran_us", ran},
                                                  {"host_waited_us", since(first_.waited_us, last_.waited_us)},
                                                  {"host_stopped_us", stopped_us_},
                                                  {"host_preempted", since(first_.preempted, last_.preempted)}};
  if (last_.knows_cpus) {
    numbers["host_stolen_us"] = since(first_.stolen_us, last_.stolen_us);
    numbers["host_others_us"] = since(ran, since(first_.busy_us, last_.busy_us));
    if (!place_.siblings.empty()) numbers["host_siblings_us"] = since(first_.siblings_us, last_.siblings_us);
  }
  // Of the CPU whose frequency moved most, in proportion.
  const auto most = std::max_element(mhz_.begin(), mhz_.end(), [](const auto& a, const auto& b) {
    return a.second.second * b.second.first < b.second.second * a.second.first;
  });
  if (most != mhz_.end())
    numbers.insert({{"host_mhz_low", most->second.first}, {"host_mhz_high", most->second.second}});
  if (celsius_ != 0) numbers["host_celsius"] = celsius_;
  if (knows_throttling_) numbers["host_throttled"] = since(first_.throttled, last_.throttled);
  return numbers;
}

}  // namespace nslab
