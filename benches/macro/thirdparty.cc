// SPDX-License-Identifier: GPL-2.0
//
// Other people's benchmarks as Debian ships them: what they say of a kernel must agree with what the lab's own say.
// Whole runs are measured, the programs' start included (perf and stress-ng load some 25 libraries); what they print
// of times is not used.
#include <sstream>

#include "files.h"
#include "program.h"

namespace {

using nslab::macro::kHackbench;
using nslab::macro::kPerf;
using nslab::macro::kSetpriv;
using nslab::macro::kStressNg;
using nslab::macro::measure_program;

void measure_saying(nslab::micro::Measurement& measurement, const std::vector<std::string>& arguments,
                    const std::string& text) {
  measure_program(measurement, arguments, [&text](std::string_view output) {
    return output.find(text) != std::string_view::npos ? nullptr : "does not say that it did its work";
  });
}

/// Whether stress-ng's metrics say that `stressor` did as many operations, as
/// "stress-ng: metrc: [57] fork                  20      0.01 …".
bool did_operations(std::string_view output, const std::string& stressor, int operations) {
  std::istringstream lines{std::string(output)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(std::min(line.find("] "), line.size() - 1) + 1));
    std::string name;
    int done = 0;
    if (words >> name >> done && name == stressor) return done == operations;
  }
  return false;
}

/// `arguments`: the program that runs it, if any.
void measure_stress_ng(nslab::micro::Measurement& measurement, const std::string& stressor, int operations,
                       std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.end(), {"/usr/bin/stress-ng", "--no-rand-seed", "--metrics-brief", "--temp-path", "/tmp",
                                     "--" + stressor, "1", "--" + stressor + "-ops", std::to_string(operations)});
  // It looks at its count after each batch only, of 4,096.
  if (stressor == "exec") arguments.insert(arguments.end(), {"--exec-max", std::to_string(operations)});
  measure_program(measurement, arguments, [&](std::string_view output) {
    return did_operations(output, stressor, operations) ? nullptr : "does not say that it did its operations";
  });
}

}  // namespace

NSLAB_BENCHMARK(perf_bench_sched_pipe, "thirdparty",
                "perf bench sched pipe -l 1000: two tasks play ping-pong, a control that allocates no pid", 4, 2,
                kPerf) {
  measure_saying(measurement, {"/usr/bin/perf", "bench", "sched", "pipe", "-l", "1000"},
                 "# Executed 1000 pipe operations between two processes");
}

NSLAB_BENCHMARK(perf_bench_sched_messaging, "thirdparty",
                "perf bench sched messaging -g 1 -l 10: 40 processes made, then talking over sockets", 2, 1, kPerf) {
  measure_saying(measurement, {"/usr/bin/perf", "bench", "sched", "messaging", "-g", "1", "-l", "10"},
                 "# 1 groups == 40 processes run");
}

NSLAB_BENCHMARK(perf_bench_syscall_basic, "thirdparty", "perf bench syscall basic -l 20000: as many getppid(2)", 4, 2,
                kPerf) {
  measure_saying(measurement, {"/usr/bin/perf", "bench", "syscall", "basic", "-l", "20000"},
                 "# Executed 20000 getppid() calls");
}

NSLAB_BENCHMARK(hackbench, "thirdparty", "hackbench -g 1 -l 20: 40 processes made, then talking over sockets", 3, 1,
                kHackbench) {
  measure_saying(measurement, {"/usr/bin/hackbench", "-g", "1", "-l", "20"}, "(== 40 tasks)");
}

NSLAB_BENCHMARK(stress_ng_fork, "thirdparty", "stress-ng --fork 1 --fork-ops 50", 3, 1, kStressNg) {
  measure_stress_ng(measurement, "fork", 50);
}
NSLAB_BENCHMARK(stress_ng_vfork, "thirdparty", "stress-ng --vfork 1 --vfork-ops 100", 3, 1, kStressNg) {
  measure_stress_ng(measurement, "vfork", 100);
}
NSLAB_BENCHMARK(stress_ng_clone, "thirdparty",
                "stress-ng --clone 1 --clone-ops 10, which also unshares namespaces of all kinds", 2, 1, kStressNg) {
  measure_stress_ng(measurement, "clone", 10);
}
NSLAB_BENCHMARK(stress_ng_exec, "thirdparty", "stress-ng --exec 1 --exec-ops 20, as nobody: it refuses to run as root",
                2, 1, kStressNg, kSetpriv) {
  measure_stress_ng(measurement, "exec", 20,
                    {"/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"});
}
NSLAB_BENCHMARK(stress_ng_kill, "thirdparty", "stress-ng --kill 1 --kill-ops 1000", 2, 1, kStressNg) {
  measure_stress_ng(measurement, "kill", 1000);
}
NSLAB_BENCHMARK(stress_ng_get, "thirdparty", "stress-ng --get 1 --get-ops 100", 3, 1, kStressNg) {
  measure_stress_ng(measurement, "get", 100);
}
