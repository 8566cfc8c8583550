// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>

#include "sample.h"

namespace nslab {

/// For tests: a cell measured in one boot, each of whose 100 repetitions cost the same but the cheapest.
inline Sample sample(const std::string& kernel, int depth, const std::string& benchmark, std::uint64_t seed,
                     std::uint64_t cost) {
  return {.kernel = kernel,
          .depth = depth,
          .benchmark = benchmark,
          .seed = seed,
          .status = CellStatus::ok,
          .refusal = {},
          .iterations = 100,
          .sum = cost * 100,
          .sum_first_half = cost * 50,
          .minimum = cost - 1,
          .median = cost,
          .p90 = cost,
          .maximum = cost,
          .involuntary_switches = 0,
          .layout = {}};
}

/// For tests: a cell that the kernel forbids.
inline Sample refused(const std::string& kernel, int depth, const std::string& benchmark, std::uint64_t seed) {
  return {.kernel = kernel,
          .depth = depth,
          .benchmark = benchmark,
          .seed = seed,
          .status = CellStatus::refused,
          .refusal = "EINVAL",
          .layout = {}};
}

/// For tests: a complete run of six boots, as it comes from a store.
inline RunRecord run_record() {
  RunRecord run;
  run.id = 7;
  run.experiment = "small";
  run.profile = "lean";
  run.base = "linux-6.12";
  run.started = "2026-11-23T20:00:00Z";
  run.finished = "2026-11-23T21:00:00Z";
  run.manifest = "{}";
  run.accelerator = "tcg with icount";
  run.boots_planned = run.boots_done = 6;
  return run;
}

}  // namespace nslab
