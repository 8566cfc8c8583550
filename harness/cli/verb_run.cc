// SPDX-License-Identifier: GPL-2.0
#include <algorithm>
#include <set>

#include "explain_run.h"
#include "output.h"
#include "progress.h"
#include "run.h"
#include "text.h"
#include "verb.h"
#include "wrap.h"

namespace nslab::verb_run {

namespace {

void print(const Experiment& experiment, const Forecast& forecast, const std::filesystem::path& results) {
  constexpr int kWidth = 100;
  const auto names = experiment.kernels();
  const bool given = std::all_of(names.begin(), names.end(), names_given_kernel);
  print_out("{}: {} meter, {}, seeds {} to {}\n", experiment.name, name_of(experiment.meter),
            given ? "kernels as given" : "profile " + experiment.profile, experiment.first_seed,
            experiment.first_seed + experiment.boots - 1);
  std::size_t cells = 0;
  const bool plain = experiment.conditions() == std::vector<Condition>{kQuiet};
  for (const auto& [kernel, built, boot] : forecast.kernels) {
    cells += boot.cells.size();
    const std::string condition = plain ? "" : ", " + name_of(boot.condition);
    print_out("\n{} {} ({}){}: {} a boot\n", kernel.name, kernel.hash.substr(0, 16), built ? "built" : "to be built",
              condition, counted(boot.cells.size(), "cell"));
    std::map<int, std::set<std::string>> depths;
    for (const PlannedCell& cell : boot.cells) depths[cell.depth].insert(cell.benchmark);
    for (const auto& [depth, benchmarks] : depths) {
      print_out("{}\n", wrap(fmt::format("  depth {}: {}", depth, fmt::join(benchmarks, ", ")), kWidth, 4));
    }
  }
  print_out("\n{} on {}, {} each: {}, {} at once\n", counted(cells, "cell"),
            counted(experiment.kernels().size(), "kernel"), counted(experiment.boots, "boot"),
            counted(forecast.boots, "boot"), forecast.jobs);
  if (forecast.missing < forecast.boots) {
    print_out("stored already: {}; to boot: {}\n", forecast.boots - forecast.missing, forecast.missing);
  }
  if (forecast.seconds) {
    print_out(
        "expected time, kernels built: {} (from {} of this experiment in {}{})\n", duration_text(*forecast.seconds),
        counted(forecast.known_boots, "boot"), forecast.known_in.string(),
        forecast.other_machine.empty()
            ? ""
            : fmt::format(", made on another machine: {}; here it may take more or less", forecast.other_machine));
  } else {
    print_out(
        "expected time: not known until {} has a boot of this experiment; a boot may take {} (wall_limit_seconds)\n",
        results.string(), duration_text(experiment.wall_limit_seconds));
  }
}

struct RunArguments {
  std::string config;
  std::string kernels;
  std::string results;
  std::string source;
  RunOptions options;
  bool dry = false;
};

void declare_arguments(Arguments& arguments, RunArguments& values) {
  arguments.positional("CONFIG", values.config, "the experiment's TOML file", "FILE");
  arguments.option("--kernels", values.kernels,
                   "measure these in place of the experiment's: models, debian:VERSION, image:FILE or tree:DIR@REV",
                   "NAME,…");
  arguments.option("--results", values.results, "folder for the results (default: results/NAME)", "FOLDER");
  arguments.option("--jobs,-j", values.options.jobs, 1, 1024, "boots at once (default: as many as cores)");
  arguments.choice("--accel", values.options.accelerator, {"kvm", "tcg"},
                   "the accelerator (default: what the meter needs)");
  arguments.option("--on", values.options.machines,
                   "where boots run: slurm, slurm:partition=short,time=30, or ssh:host1,host2 (default: here)",
                   "MACHINES");
  arguments.option("--cpus", values.options.cpus,
                   "time meter: the CPUs for guests and QEMU, as 2,4-7 (default: all that nslab may use)", "LIST");
  arguments.flag("--fifo", values.options.fifo,
                 "time meter: give each guest's CPU a priority (SCHED_FIFO) that ordinary programs do not have");
  arguments.option("--source", values.source, "another tarball or tree of the base", "FILE");
  arguments.flag("--force-profile", values.options.force_profile, "measure on a profile that is not for measurement");
  arguments.flag("--dry-run", values.dry, "list cells, boots and the expected time; build and boot nothing");
  arguments.hidden("--ssh-config", values.options.ssh_config, "ssh's option -F");
  arguments.hidden("--fault", values.options.fault, "make every guest fail in this way");
  arguments.hidden("--preload", values.options.preload, "a library that QEMU loads first");
}

/// The names between commas. What begins with map= or config=, and the word llvm, belong to the name before.
std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  for (const std::string& part : split_at(list, ',')) {
    if ((part.starts_with("map=") || part.starts_with("config=") || part == "llvm") && !names.empty()) {
      names.back() += "," + part;
    } else {
      names.push_back(part);
    }
  }
  return names;
}

Result<void> act(const RunArguments& arguments) {
  const auto paths = TRY(find_paths());
  const auto experiment = TRY(load_experiment(paths.named(arguments.config), names_in(arguments.kernels)));
  RunOptions options = arguments.options;
  options.results = arguments.results;
  if (options.results.empty()) options.results = paths.results / experiment.name;
  options.source = arguments.source;
  if (arguments.dry) {
    print(experiment, TRY(forecast(TRY(prepare(experiment, paths, options)), paths, options)), options.results);
    return {};
  }
  const auto run = TRY(run_experiment(experiment, paths, options));
  auto store = TRY(Store::open_existing(options.results.string()));
  TRY(explain_run(paths, store, run));
  print_out("run {} of {}: {} stored in {}\n", run.id, run.experiment, counted(run.boots_done, "boot"),
            options.results.string());
  print_out("nslab report {}     prints the answer, and writes plots and a page\n", options.results.string());
  return {};
}

const RegisterVerb registered({
    .name = "run",
    .help = "execute an experiment: build what is missing, boot, store",
    .examples =
        "  nslab run configs/smoke.toml              Ctrl-C at any time; the same command goes on\n"
        "  nslab run configs/full.toml --dry-run     what it would do, and how long that takes\n"
        "  nslab run configs/first.toml --kernels debian:6.12,debian:6.1   two of Debian's kernels, as they are\n"
        "  nslab run configs/smoke.toml --source ~/linux-6.12 --results results/mine   your own tree",
    .declare = verb_body<RunArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_run
