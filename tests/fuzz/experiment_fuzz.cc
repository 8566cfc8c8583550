// SPDX-License-Identifier: GPL-2.0
//
// An experiment's TOML.
#include "experiment.h"
#include "fuzz.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const auto experiment = parse_experiment(input, "experiment.toml");
  if (!experiment) {
    require(experiment.error().exit == Exit::user, "it is the user's mistake");
    return require(experiment.error().message.starts_with("experiment.toml:"), "errors say where");
  }
  require(experiment->text == input, "the text is kept");
  require(!experiment->name.empty() && experiment->name.find('/') == std::string::npos, "the name is a folder's");
  require(experiment->boots >= 1 && experiment->boots <= 10'000, "the number of boots is in range");
  require(experiment->margin_percent > 0 && experiment->margin_percent <= 100, "the margin is in range");
  require(!experiment->kernels().empty(), "there is a kernel");
  for (const Measure& measure : experiment->measures) {
    require(!measure.benchmarks.empty() && !measure.depths.empty(), "each table measures something");
    for (const int depth : measure.depths) require(depth >= 0 && depth <= 32, "depths are in range");
  }
}

}  // namespace nslab::fuzz
