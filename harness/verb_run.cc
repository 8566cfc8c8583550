// SPDX-License-Identifier: GPL-2.0
#include <memory>

#include "run.h"
#include "verbs.h"

namespace nslab {

void declare_run(CLI::App& app, Action& action) {
  struct Arguments {
    std::string config;
    std::string results;
    std::string source;
    RunOptions options;
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
  verb->add_option("--fault", arguments->options.fault, "make every guest fail in this way")->group("");
  verb->callback([arguments, &action] {
    action = [arguments]() -> Result<void> {
      const auto paths = find_paths();
      if (!paths) return paths.error();
      const auto experiment = load_experiment(arguments->config);
      if (!experiment) return experiment.error();
      RunOptions options = arguments->options;
      options.results = arguments->results;
      options.source = arguments->source;
      const auto run = run_experiment(*experiment, *paths, options);
      if (!run) return run.error();
      const auto results = options.results.empty() ? paths->root / "results" / experiment->name : options.results;
      fmt::print("run {} of {}: {} boots stored in {}\n", run->id, run->experiment, run->boots_done, results.string());
      return {};
    };
  });
}

}  // namespace nslab
