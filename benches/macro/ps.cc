// SPDX-License-Identifier: GPL-2.0
#include "ps.h"

#include "program.h"

namespace nslab::macro {

namespace {

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

void repeat_ps(micro::Measurement& measurement, const micro::Pids& others, const std::vector<std::string>& arguments) {
  measure_program(measurement, arguments, [&others](std::string_view output) {
    return lines_of_workers(output) == others.size() + 1 ? nullptr : "did not list all processes";
  });
}

}  // namespace

void repeat_ps_xaf(micro::Measurement& measurement, const micro::Pids& others) {
  repeat_ps(measurement, others, {"/usr/bin/ps", "-xaf"});
}

void repeat_ps_e(micro::Measurement& measurement, const micro::Pids& others) {
  repeat_ps(measurement, others, {"/usr/bin/ps", "-e", "-o", "pid,ppid,pgid,sid,cmd"});
}

}  // namespace nslab::macro
