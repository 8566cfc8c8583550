// SPDX-License-Identifier: GPL-2.0
//
// Real procps over many idle processes: 'ps -xaf … in init namespace and in "level one" namespace', as promised in
// 2007. In the initial namespace ps also sees init and the kernel's threads, some sixty processes more.
#include "../micro/processes.h"
#include "files.h"
#include "program.h"

namespace {

using nslab::macro::kPs;
using nslab::macro::measure_program;
using nslab::micro::Benchmark;
using nslab::micro::Crowd;
using nslab::micro::in_mib;
using nslab::micro::kListedKib;
using nslab::micro::kProcessKib;
using nslab::micro::Measurement;
using nslab::micro::Registration;

/// A line for each of them and for the worker, whose name they have.
std::size_t lines_of_workers(std::string_view output) {
  std::size_t lines = 0;
  while (!output.empty()) {
    const std::string_view line = output.substr(0, output.find('\n'));
    if (line.ends_with("micro")) ++lines;
    output.remove_prefix(std::min(line.size() + 1, output.size()));
  }
  return lines;
}

const std::vector<std::string> kTree = {"/usr/bin/ps", "-xaf"};
const std::vector<std::string> kIds = {"/usr/bin/ps", "-e", "-o", "pid,ppid,pgid,sid,cmd"};

/// Among as many idle processes as the benchmark's point says.
template <const std::vector<std::string>& arguments>
void measure_ps(Measurement& measurement) {
  const std::size_t count = measurement.point.value;
  const Crowd idle(count);
  if (!idle) return measurement.fail(std::string("cannot make the idle processes: ") + std::strerror(idle.error()));
  measure_program(measurement, arguments, [count](std::string_view output) {
    return lines_of_workers(output) == count + 1 ? nullptr : "did not list all processes";
  });
}

// Each process that it reads leaves four files of /proc in the caches: stat, status, environ, cmdline.
constexpr std::uint64_t kReadKib = 4;

Registration add(const char* name, const char* series, std::uint64_t processes, std::uint64_t iterations) {
  const bool tree = series == std::string_view("ps_xaf");
  return Registration(
      Benchmark{.name = name,
                .family = "macro",
                .description = tree ? "ps -xaf among as many idle processes as its name says: next_tgid(), "
                                      "do_task_stat(), proc_pid_status()"
                                    : "ps -e -o pid,ppid,pgid,sid,cmd, among idle processes as ps_xaf",
                .iterations = iterations,
                .warmup = 1,
                .run = tree ? measure_ps<kTree> : measure_ps<kIds>,
                .files = {kPs},
                .point = {series, "processes", processes},
                .memory_mib = in_mib(processes * (kProcessKib + kListedKib + kReadKib))});
}

const Registration kAdded[] = {
    add("ps_xaf_10", "ps_xaf", 10, 4),    add("ps_xaf_100", "ps_xaf", 100, 4),  add("ps_xaf_1000", "ps_xaf", 1000, 2),
    add("ps_e_10", "ps_e", 10, 4),        add("ps_e_100", "ps_e", 100, 4),      add("ps_e_1000", "ps_e", 1000, 2),
    add("ps_e_10000", "ps_e", 10'000, 2), add("ps_e_30000", "ps_e", 30'000, 2),
};

}  // namespace
