// SPDX-License-Identifier: GPL-2.0
#include <memory>
#include <set>

#include "progress.h"
#include "run.h"
#include "table.h"
#include "verbs.h"

namespace nslab {

namespace {

void print(const Experiment& experiment, const Forecast& forecast, const std::filesystem::path& results) {
  constexpr int kWidth = 100;
  fmt::print("{}: {} meter, profile {}, seeds {} to {}\n", experiment.name, name_of(experiment.meter),
             experiment.profile, experiment.first_seed, experiment.first_seed + experiment.boots - 1);
  std::size_t cells = 0;
  for (const auto& [kernel, built, boot] : forecast.kernels) {
    cells += boot.cells.size();
    fmt::print("\n{} {} ({}): {} cells a boot\n", kernel.name, kernel.hash.substr(0, 16),
               built ? "built" : "to be built", boot.cells.size());
    std::map<int, std::set<std::string>> depths;
    for (const PlannedCell& cell : boot.cells) depths[cell.depth].insert(cell.benchmark);
    for (const auto& [depth, benchmarks] : depths) {
      fmt::print("{}\n", wrap(fmt::format("  depth {}: {}", depth, fmt::join(benchmarks, ", ")), kWidth, 4));
    }
  }
  fmt::print("\n{} cells on {} kernels, {} boots each: {} boots, {} at once\n", cells, forecast.kernels.size(),
             experiment.boots, forecast.boots, forecast.jobs);
  if (forecast.missing < forecast.boots) {
    fmt::print("stored by a run that is not finished: {}; to run: {}\n", forecast.boots - forecast.missing,
               forecast.missing);
  }
  if (forecast.seconds) {
    fmt::print("expected time, kernels built: {} (from {} boots of this experiment in {})\n",
               duration_text(*forecast.seconds), forecast.known_boots, results.string());
  } else {
    fmt::print(
        "expected time: not known until {} has a boot of this experiment; a boot may take {} (wall_limit_seconds)\n",
        results.string(), duration_text(experiment.wall_limit_seconds));
  }
}

}  // namespace

void declare_run(CLI::App& app, Action& action) {
  struct Arguments {
    std::string config;
    std::string results;
    std::string source;
    RunOptions options;
    bool dry = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("run", "execute an experiment: build what is missing, boot, store");
  verb->add_option("CONFIG", arguments->config, "the experiment's TOML file")->required();
  verb->add_option("--results", arguments->results, "folder for the results (default: results/NAME)");
  verb->add_option("--jobs,-j", arguments->options.jobs, "boots at once (default: as many as cores)")
      ->check(CLI::Range(1, 1024));
  verb->add_option("--accel", arguments->options.accelerator, "kvm or tcg; the meter goes with it");
  verb->add_option("--source", arguments->source, "another tarball or tree of the base");
  verb->add_flag("--force-profile", arguments->options.force_profile,
                 "measure on a profile that is not for measurement");
  verb->add_flag("--dry-run", arguments->dry, "list cells, boots and the expected time; build and boot nothing");
  verb->add_option("--fault", arguments->options.fault, "make every guest fail in this way")->group("");
  verb->callback([arguments, &action] {
    action = [arguments]() -> Result<void> {
      const auto paths = TRY(find_paths());
      const auto experiment = TRY(load_experiment(arguments->config));
      RunOptions options = arguments->options;
      options.results = arguments->results;
      if (options.results.empty()) options.results = paths.root / "results" / experiment.name;
      options.source = arguments->source;
      if (arguments->dry) {
        const auto expected = TRY(forecast(experiment, paths, options));
        print(experiment, expected, options.results);
        return {};
      }
      const auto run = TRY(run_experiment(experiment, paths, options));
      fmt::print("run {} of {}: {} boots stored in {}\n", run.id, run.experiment, run.boots_done,
                 options.results.string());
      return {};
    };
  });
}

}  // namespace nslab
