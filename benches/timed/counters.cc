// SPDX-License-Identifier: GPL-2.0
#include "counters.h"

#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "guest_clock.h"

namespace nslab::timed {

namespace {

struct Event {
  const char* name;
  std::uint32_t type;
  std::uint64_t config;
};

constexpr std::uint64_t misses_of(std::uint64_t cache) {
  return cache | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16;
}

constexpr Event kEvents[] = {
    {"count_cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"count_instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"count_cache_references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    {"count_cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"count_l1d_misses", PERF_TYPE_HW_CACHE, misses_of(PERF_COUNT_HW_CACHE_L1D)},
    {"count_dtlb_misses", PERF_TYPE_HW_CACHE, misses_of(PERF_COUNT_HW_CACHE_DTLB)},
    {"count_branch_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {"count_page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    {"count_context_switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"count_cpu_migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    {"count_task_clock_ns", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
};

}  // namespace

Counters::Counters(bool of_children) {
  for (const Event& event : kEvents) {
    perf_event_attr attributes = {};
    attributes.size = sizeof attributes;
    attributes.type = event.type;
    attributes.config = event.config;
    attributes.disabled = 1;
    attributes.inherit = of_children ? 1 : 0;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    const auto descriptor =
        static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
    const bool hardware = event.type != PERF_TYPE_SOFTWARE;
    if (descriptor >= 0) {
      counters_.push_back({event.name, hardware, descriptor});
    } else if (!hardware && errno != ENOSYS) {
      error_ = std::string("cannot open the counter ") + event.name + ": " + std::strerror(errno);
    }
  }
}

Counters::~Counters() {
  for (const Counter& counter : counters_) close(counter.descriptor);
}

// All at once, with those that children have inherited.
void Counters::start() const { prctl(PR_TASK_PERF_EVENTS_ENABLE); }
void Counters::stop() const { prctl(PR_TASK_PERF_EVENTS_DISABLE); }

std::vector<std::pair<std::string, std::uint64_t>> Counters::read() const {
  struct Reading {
    std::uint64_t value = 0;
    std::uint64_t enabled = 0;  // ns
    std::uint64_t running = 0;  // ns
  };
  constexpr std::uint64_t kAll = 1000;
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  std::uint64_t share = kAll;
  bool any_hardware = false;
  bool cycles = false;
  for (const Counter& counter : counters_) {
    Reading reading;
    if (::read(counter.descriptor, &reading, sizeof reading) != sizeof reading) continue;
    if (!counter.hardware) {
      // Where the kernel's clock is too coarse to time by, it is too coarse for this as well.
      const bool is_time = std::strcmp(counter.name, "count_task_clock_ns") == 0;
      if (!is_time || GuestClock::counter_in_use() == 0) counts.emplace_back(counter.name, reading.value);
      continue;
    }
    // A virtual PMU that counts no cycles counts nothing: its zeros are no figures.
    if (std::strcmp(counter.name, "count_cycles") == 0) cycles = reading.value > 0;
    if (!cycles || reading.running == 0) continue;
    using Wide = unsigned __int128;
    counts.emplace_back(counter.name,
                        static_cast<std::uint64_t>(Wide{reading.value} * reading.enabled / reading.running));
    any_hardware = true;
    share = std::min(share, static_cast<std::uint64_t>(Wide{reading.running} * kAll / reading.enabled));
  }
  if (any_hardware) counts.emplace_back("counter_share", share);
  return counts;
}

}  // namespace nslab::timed
