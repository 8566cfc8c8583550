// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "headlines.h"
#include "numbers.h"
#include "sections.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

/// What a CPU's counters say, and what the kernel counts itself.
constexpr std::string_view kHardware[] = {"cycles",     "instructions", "cache_references", "cache_misses",
                                          "l1d_misses", "dtlb_misses",  "branch_misses"};
constexpr std::string_view kSoftware[] = {"page_faults", "context_switches", "cpu_migrations", "task_clock_ns"};

/// "page faults", "task clock, ns".
std::string event_text(std::string_view event) {
  if (event == "task_clock_ns") return "task clock, ns";
  if (event == "l1d_misses") return "L1d misses";
  if (event == "dtlb_misses") return "dTLB misses";
  std::string text(event);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string count_text(const Estimate& count) {
  constexpr double kMany = 100;
  const int least = count.value < kMany ? 2 : 0;
  if (!count.interval || count.exact) return format_number(count.value, least) + (count.exact ? " exact" : "");
  return format_number(count.value, least) + " ± " +
         format_number(count.interval->half_width(), decimals_that_show(count.interval->half_width(), least));
}

/// The headline operations, and the contended ones on the most vCPUs.
std::vector<std::string> counted_benchmarks(const Report& report) {
  std::map<std::string, std::uint64_t> most;  // vCPUs, by series
  const auto on_vcpus = [&](const std::string& benchmark) -> const CurvePoint* {
    const auto point = report.curves.find(benchmark);
    return point != report.curves.end() && point->second.quantity == "vCPUs" ? &point->second : nullptr;
  };
  for (const std::string& benchmark : report.benchmarks) {
    if (const CurvePoint* const point = on_vcpus(benchmark))
      most[point->series] = std::max(most[point->series], point->value);
  }
  std::vector<std::string> names;
  for (const std::string& benchmark : report.benchmarks) {
    const CurvePoint* const point = on_vcpus(benchmark);
    if (is_headline(benchmark) || (point != nullptr && point->value == most[point->series])) names.push_back(benchmark);
  }
  return names;
}

std::size_t different(const TimedGuests::Addresses& addresses) {
  std::set<std::uint64_t> all;
  for (const auto& [boot, address] : addresses) all.insert(address);
  return all.size();
}

}  // namespace

std::string addresses_text(const TimedGuests& timed) {
  std::vector<std::string> texts;
  for (const auto& [kernel, addresses] : timed.addresses)
    texts.push_back(fmt::format("{} {} in {}", kernel, different(addresses), counted(addresses.size(), "boot")));
  if (texts.empty()) return "";
  return fmt::format(
      "different ones of the kernel's code, which a kernel with KASLR chooses at random at each boot: {}",
      fmt::join(texts, ", "));
}

Document timed_guests_section(const Report& report) {
  const TimedGuests& timed = report.timed;
  Document section;
  const auto warn = [&](std::string text) { section.push_back({Block::Kind::warning, std::move(text)}); };
  std::vector<std::string> fixed;
  for (const auto& [kernel, addresses] : timed.addresses) {
    if (addresses.size() > 1 && different(addresses) == 1) fixed.push_back(kernel);
  }
  if (!fixed.empty()) {
    warn(fmt::format(
        "The code lay at one address in all boots of {}: {} no address at random (KASLR). What is peculiar to that "
        "address is in all figures, and no number of boots shows it.",
        fmt::join(fixed, ", "), fixed.size() == 1 ? "it chooses" : "they choose"));
  }
  for (const auto& [clock, samples] : timed.clocks) {
    if (clock == "tsc" || clock == "kvm-clock") continue;
    warn(fmt::format("The guest's clocksource was {} in {}, and neither tsc nor kvm-clock. {}",
                     clock.empty() ? "unknown" : clock, counted(static_cast<std::size_t>(samples), "sample"),
                     timed.by_counter
                         ? "It is too coarse to time by, so the worker read the CPU's time-stamp counter, whose "
                           "frequency PID 1 found by the real-time clock. What the kernel itself times is as coarse as "
                           "its clock."
                         : "Reading it may take long, and it may be coarse."));
  }
  for (const auto& [benchmark, size] : timed.batches) {
    warn(fmt::format(
        "{} takes no longer than two steps of the clock (of {} ns): {} operations were timed as one repetition.",
        benchmark, timed.coarsest_step_ns, size));
  }
  if (timed.steal_ticks > 0) {
    warn(
        fmt::format("The host took the guest's CPUs away for {} ticks of 10 ms (steal), in {}: their figures hold "
                    "time in which the guest did not run.",
                    timed.steal_ticks, counted(static_cast<std::size_t>(timed.stolen_cells), "sample")));
  }
  return section;
}

Document counters_section(const Report& report, const View& view) {
  if (report.run.meter != Meter::time) return {};
  std::vector<std::pair<std::string, int>> columns;  // kernel and depth
  bool hardware = false;
  const auto benchmarks = counted_benchmarks(report);
  const auto counts_of = [&](const std::string& benchmark, const std::string& kernel, int depth) {
    const auto cell = view.cells.find({benchmark, kernel, depth});
    return cell == view.cells.end() ? nullptr : &cell->second.counts;
  };
  for (const std::string& kernel : report.kernels) {
    for (const int depth : report.depths) {
      bool any = false;
      for (const std::string& benchmark : benchmarks) {
        const auto* const counts = counts_of(benchmark, kernel, depth);
        if (counts == nullptr || counts->empty()) continue;
        any = true;
        for (const std::string_view event : kHardware) hardware = hardware || counts->contains(std::string(event));
      }
      if (any) columns.emplace_back(kernel, depth);
    }
  }
  if (columns.empty()) return {};
  Table table;
  table.key_columns = 2;
  table.columns = {{"benchmark", "", Align::left}, {"event", "", Align::left}};
  for (const auto& [kernel, depth] : columns) table.columns.push_back({kernel, fmt::format("depth {}", depth)});
  std::vector<std::string_view> events(std::begin(kHardware), std::end(kHardware));
  events.insert(events.end(), std::begin(kSoftware), std::end(kSoftware));
  for (const std::string& benchmark : benchmarks) {
    for (const std::string_view event : events) {
      std::vector<std::string> row = {benchmark, event_text(event)};
      bool any = false;
      for (const auto& [kernel, depth] : columns) {
        const auto* const counts = counts_of(benchmark, kernel, depth);
        const bool there = counts != nullptr && counts->contains(std::string(event));
        any = any || there;
        row.push_back(there ? count_text(counts->at(std::string(event))) : std::string(kMissing));
      }
      if (any) table.rows.push_back(std::move(row));
    }
  }
  std::string counters = "absent: this machine offers no hardware counters to the guest.";
  if (hardware) counters = "as the guest's PMU offers them; – is one that it does not.";
  if (const std::uint64_t share = report.timed.counted_thousandths; hardware && share < 1000) {
    counters += fmt::format(
        " There are more of them than the CPU counts at once. Each counted for at least {} % of the time, and the "
        "figures are scaled up.",
        format_number(static_cast<double>(share) / 10, 1));
  }
  return {
      {Block::Kind::heading, "What the guest counted"},
      {.kind = Block::Kind::table,
       .text = fmt::format(
           "Events per operation by perf_event_open(2) in the guest, its children included, ± the {} interval over "
           "boots. They were counted in a second pass of as many repetitions, which was not timed. It has the "
           "checks of the benchmark in it, a fork copies the counters, and the task clock misses a part of each child; "
           "it is absent where the guest's clock is coarse. Rows are headline operations, and of those on several "
           "vCPUs the ones on the most. {}. Hardware counters: {}",
           level_text(report.options.level), capitalized(source_text(report, view)), counters),
       .table = std::move(table)}};
}

}  // namespace nslab
