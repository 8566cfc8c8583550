// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

#include "report.h"
#include "test_samples.h"

namespace nslab {

/// For tests: a report of getpid on these kernels, in two boots. It costs 200 and 10 more with each depth, 2 more than
/// that on flat, which is refused below depth 1. The names have what HTML and gnuplot must escape.
inline Report small_report(const std::vector<int>& depths, const std::vector<std::string>& kernels = {"multi", "flat"},
                           RunRecord run = run_record()) {
  run.id = 1;
  run.experiment = "small & <quick>";
  run.manifest = R"({"kernels": {"multi": "<hash>"}})";
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (const int depth : depths) {
      for (const std::string& kernel : kernels) {
        const std::uint64_t cost = (kernel == "flat" ? 202U : 200U) + 10U * static_cast<unsigned>(depth);
        samples.push_back(kernel == "flat" && depth > 1 ? refused(kernel, depth, "getpid", seed)
                                                        : sample(kernel, depth, "getpid", seed, cost));
      }
    }
  }
  return *make_report(run, samples, {});
}

}  // namespace nslab
