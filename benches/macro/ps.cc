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
using nslab::micro::Benchmark;
using nslab::micro::Measurement;
using nslab::micro::Registration;

/// Children that sleep as long as this lives.
class IdleProcesses {
 public:
  explicit IdleProcesses(std::size_t count) {
    int awake[2];  // reads its end when all sleep
    if (pipe(awake) != 0) return;
    for (std::size_t i = 0; i < count; ++i) {
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

const std::vector<std::string> kTree = {"/usr/bin/ps", "-xaf"};
const std::vector<std::string> kIds = {"/usr/bin/ps", "-e", "-o", "pid,ppid,pgid,sid,cmd"};

/// Among as many idle processes as the benchmark's point says.
template <const std::vector<std::string>& arguments>
void measure_ps(Measurement& measurement) {
  const std::size_t count = measurement.point.value;
  const IdleProcesses idle(count);
  if (idle.count() != count) return measurement.fail("could not create all idle processes");
  measure_program(measurement, arguments, [count](std::string_view output) {
    return lines_of_workers(output) == count + 1 ? nullptr : "did not list all processes";
  });
}

constexpr const char* kTreeText =
    "ps -xaf among as many idle processes as its name says: next_tgid(), do_task_stat(), proc_pid_status()";
constexpr const char* kIdsText = "ps -e -o pid,ppid,pgid,sid,cmd, among idle processes as ps_xaf";

Registration add(const char* name, const char* series, std::uint64_t processes, std::uint64_t iterations) {
  const bool tree = series == std::string_view("ps_xaf");
  return Registration(Benchmark{.name = name,
                                .family = "macro",
                                .description = tree ? kTreeText : kIdsText,
                                .iterations = iterations,
                                .warmup = 1,
                                .run = tree ? measure_ps<kTree> : measure_ps<kIds>,
                                .files = {kPs},
                                .point = {series, "processes", processes}});
}

const Registration kAdded[] = {
    add("ps_xaf_10", "ps_xaf", 10, 4), add("ps_xaf_100", "ps_xaf", 100, 4), add("ps_xaf_1000", "ps_xaf", 1000, 2),
    add("ps_e_10", "ps_e", 10, 4),     add("ps_e_100", "ps_e", 100, 4),     add("ps_e_1000", "ps_e", 1000, 2),
};

}  // namespace
