// SPDX-License-Identifier: GPL-2.0
//
// Real procps over many idle processes: 'ps -xaf … in init namespace and in "level one" namespace', as promised in
// 2007. In the initial namespace ps also sees init and the kernel's threads, some sixty processes more.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "files.h"
#include "program.h"

namespace {

using nslab::macro::kPs;
using nslab::macro::measure_program;

/// Children that sleep as long as this lives.
class IdleProcesses {
 public:
  explicit IdleProcesses(int count) {
    int awake[2];  // reads its end when all sleep
    if (pipe(awake) != 0) return;
    for (int i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child < 0) break;
      if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close_range(STDERR_FILENO + 1, ~0U, 0);
        for (;;) pause();
      }
      children_.push_back(child);
    }
    close(awake[1]);
    char byte;
    while (read(awake[0], &byte, 1) < 0 && errno == EINTR) {
    }
    close(awake[0]);
  }
  IdleProcesses(const IdleProcesses&) = delete;
  IdleProcesses& operator=(const IdleProcesses&) = delete;
  ~IdleProcesses() {
    for (const pid_t child : children_) kill(child, SIGKILL);
    for (const pid_t child : children_) waitpid(child, nullptr, 0);
  }
  std::size_t count() const { return children_.size(); }

 private:
  std::vector<pid_t> children_;
};

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

void measure_ps(nslab::micro::Measurement& measurement, const std::vector<std::string>& arguments, int count) {
  const IdleProcesses idle(count);
  if (idle.count() != static_cast<std::size_t>(count)) return measurement.fail("could not create all idle processes");
  measure_program(measurement, arguments, [count](std::string_view output) {
    return lines_of_workers(output) == static_cast<std::size_t>(count) + 1 ? nullptr : "did not list all processes";
  });
}

const std::vector<std::string> kTree = {"/usr/bin/ps", "-xaf"};
const std::vector<std::string> kIds = {"/usr/bin/ps", "-e", "-o", "pid,ppid,pgid,sid,cmd"};

}  // namespace

NSLAB_BENCHMARK(ps_xaf_10, "macro", "ps -xaf with 10 idle processes: next_tgid(), do_task_stat(), proc_pid_status()", 5,
                2, kPs) {
  measure_ps(measurement, kTree, 10);
}
NSLAB_BENCHMARK(ps_xaf_100, "macro", "ps -xaf with 100 idle processes: next_tgid(), do_task_stat(), proc_pid_status()",
                4, 1, kPs) {
  measure_ps(measurement, kTree, 100);
}
NSLAB_BENCHMARK(ps_xaf_1000, "macro",
                "ps -xaf with 1,000 idle processes: next_tgid(), do_task_stat(), proc_pid_status()", 1, 1, kPs) {
  measure_ps(measurement, kTree, 1000);
}
NSLAB_BENCHMARK(ps_e_10, "macro", "ps -e -o pid,ppid,pgid,sid,cmd with 10 idle processes: as ps_xaf_10", 5, 2, kPs) {
  measure_ps(measurement, kIds, 10);
}
NSLAB_BENCHMARK(ps_e_100, "macro", "ps -e -o pid,ppid,pgid,sid,cmd with 100 idle processes: as ps_xaf_100", 4, 1, kPs) {
  measure_ps(measurement, kIds, 100);
}
NSLAB_BENCHMARK(ps_e_1000, "macro", "ps -e -o pid,ppid,pgid,sid,cmd with 1,000 idle processes: as ps_xaf_1000", 1, 1,
                kPs) {
  measure_ps(measurement, kIds, 1000);
}
