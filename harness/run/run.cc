// SPDX-License-Identifier: GPL-2.0
#include "run.h"

#include <optional>

#include "boot_pool.h"
#include "clock.h"
#include "execute_boot.h"
#include "host.h"
#include "json.h"
#include "locks.h"
#include "progress.h"
#include "signals.h"
#include "store.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// What the run's numbers came from, for reports and for those who want to repeat it. The kernels must be built.
Result<Json> manifest_of(const Prepared& prepared) {
  Json manifest;
  manifest["experiment"] = prepared.experiment.text;
  manifest["accelerator"] = describe(prepared.accelerator).name;
  manifest["initramfs_sha256"] = prepared.image.hash;
  manifest["qemu"] = prepared.qemu;
  manifest["qemu_command"] = prepared.command;
  manifest["host"] = describe_host();
  manifest["curves"] = curves_of(prepared.benchmarks);
  manifest["kernels"] = Json::object();
  for (const auto& [name, kernel] : prepared.kernels) manifest["kernels"][name] = TRY(read_manifest(kernel));
  return manifest;
}

Result<RunRecord> fresh_run(const Prepared& prepared) {
  RunRecord run;
  run.experiment = prepared.experiment.name;
  run.meter = prepared.experiment.meter;
  run.profile = prepared.profile.name;
  run.base = prepared.base.name;
  run.started = utc_now();
  run.manifest = to_text(TRY(manifest_of(prepared)), 2);
  run.boots_planned = static_cast<int>(prepared.plan.size());
  return run;
}

/// Executes the boots and stores each as it ends. The first error ends it; boots under way then are stored as well.
Result<void> boot_and_store(std::vector<const BootPlan*> plans, const Prepared& prepared,
                            const BootPool::Execute& execute, Store& store, std::int64_t run) {
  Progress progress(fmt::format("boots of {}", prepared.experiment.name), "boots", plans.size());
  BootPool pool(std::move(plans), prepared.jobs, execute);
  std::uint64_t stored = 0;
  Result<void> outcome;
  while (!pool.all_ended()) {
    const auto boot = pool.next();
    if (interrupted()) pool.stop();
    if (boot) {
      const Result<void> added = *boot ? store.add(run, **boot) : Result<void>(boot->error());
      if (added) {
        ++stored;
      } else {
        pool.stop();
        if (outcome) outcome = added;
      }
    }
    progress.update(stored);
  }
  if (interrupted()) return interruption();
  return outcome;
}

}  // namespace

Result<RunRecord> run_experiment(const Experiment& experiment, const Paths& paths, const RunOptions& options) {
  const auto prepared = TRY(prepare(experiment, paths, options));

  // We open the store before we build kernels: an unwritable disk shall not cost the user an hour of building.
  const fs::path& results = options.results;
  auto store = TRY(Store::open(results.string()));
  const auto lock = TRY(FileLock::attempt(results / "nslab.lock"));
  if (!lock.has_value())
    return user_error("another nslab runs in {}; wait for it, or use another --results", results.string());

  const KernelBuilder builder(paths);
  for (const KernelSpec& spec : prepared.specs) TRY(builder.build(spec));

  const auto run = TRY(store.resume_or_begin(prepared.key, TRY(fresh_run(prepared))));
  const auto missing = TRY(missing_boots(prepared, store, run.id));
  if (missing.size() < prepared.plan.size()) {
    fmt::print(stderr, "going on with run {}: {} of {} boots are stored\n", run.id,
               prepared.plan.size() - missing.size(), prepared.plan.size());
  }
  const auto execute = [&](const BootPlan& plan) {
    return execute_boot(prepared, plan, paths.cache / "tmp", results / "failed");
  };
  TRY(boot_and_store(missing, prepared, execute, store, run.id));
  TRY(store.finish(run.id, utc_now()));
  return store.run(run.id);
}

}  // namespace nslab
