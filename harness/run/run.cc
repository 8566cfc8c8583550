// SPDX-License-Identifier: GPL-2.0
#include "run.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "boot_pool.h"
#include "clock.h"
#include "execute_boot.h"
#include "host.h"
#include "host_settings.h"
#include "json.h"
#include "locks.h"
#include "machines.h"
#include "output.h"
#include "packed_run.h"
#include "progress.h"
#include "signals.h"
#include "slurm.h"
#include "ssh.h"
#include "store.h"
#include "text.h"
#include "text_store.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// Why kernels could not be built, a line each, by name.
using Unbuilt = std::map<std::string, std::string>;

/// What the run's numbers came from, for reports and for those who want to repeat it. The other kernels must be built.
Result<Json> manifest_of(const Prepared& prepared, const Unbuilt& unbuilt) {
  Json manifest;
  manifest["experiment"] = prepared.experiment.text;
  manifest["accelerator"] = describe(prepared.accelerator).name;
  manifest["initramfs_sha256"] = prepared.image.hash;
  manifest["qemu"] = prepared.qemu;
  manifest["qemu_fingerprint"] = prepared.qemu_fingerprint;
  manifest["qemu_command"] = prepared.command;
  manifest["host"] = describe_host();
  if (properties_of(prepared.experiment.meter).depends_on_host) {
    const auto settings = read_host_settings();
    manifest["host_settings"] = host_settings_json(settings);
    manifest["host_identity"] = host_identity(describe_host(), settings);
    manifest["placement"] = {{"jobs", prepared.jobs}, {"cpus", prepared.cpus}, {"fifo", prepared.fifo}};
  }
  manifest["curves"] = curves_of(prepared.benchmarks);
  manifest["kernels"] = Json::object();
  for (const auto& [name, kernel] : prepared.kernels) {
    if (!unbuilt.contains(name)) manifest["kernels"][name] = TRY(read_manifest(kernel));
  }
  return manifest;
}

Result<RunRecord> fresh_run(const Prepared& prepared, const Unbuilt& unbuilt) {
  RunRecord run;
  run.experiment = prepared.experiment.name;
  run.meter = prepared.experiment.meter;
  run.profile = prepared.profile.name;
  run.measurable = prepared.profile.measurable;
  run.base = prepared.base.name;
  const auto all = [&](auto is) { return std::all_of(prepared.specs.begin(), prepared.specs.end(), is); };
  if (all([](const KernelSpec& spec) { return spec.given.has_value(); })) run.base = kAsGiven;
  if (all([](const KernelSpec& spec) { return spec.given && !spec.given->has_profile(); })) {
    run.profile = kAsGiven;
    run.measurable = true;
  }
  run.started = utc_now();
  run.manifest = to_text(TRY(manifest_of(prepared, unbuilt)), 2);
  run.boots_planned = static_cast<int>(prepared.plan.size());
  return run;
}

/// Builds the kernels. One that cannot be built, for what is wrong with its patch, its settings or its source, does not
/// keep the others from being built.
Result<Unbuilt> build_kernels(const Prepared& prepared, const KernelBuilder& builder) {
  Unbuilt unbuilt;
  std::optional<Error> first;
  std::optional<Error> source;  // what is wrong with it is so for all kernels: told once
  bool has_source = false;
  for (const KernelSpec& spec : prepared.specs) {
    const std::string& name = spec.model.name;
    const Kernel& planned = prepared.kernels.at(name);
    if (!spec.given && !has_source && !source && !builder.is_built(spec, planned)) {
      const auto tree = builder.source_tree(spec.base, /*patched=*/true);
      has_source = tree.has_value();
      if (!tree) source = tree.error();
    }
    const bool attempted = spec.given || !source || builder.is_built(spec, planned);
    const Result<Kernel> built = attempted ? builder.build(spec) : Result<Kernel>(*source);
    if (built && built->hash != planned.hash) {
      return user_error(
          "{}: its patches, settings, source or compiler were changed after the run began, so that another kernel than "
          "planned was built. Start the run again",
          name);
    }
    if (built) continue;
    if (built.error().exit != Exit::user || interrupted()) return built.error();
    if (!first) first = built.error();
    const std::string& why = built.error().message;
    unbuilt[name] = "the kernel was not built: " + why.substr(0, why.find('\n'));
    if (attempted) print_err("nslab: FAILED: {}: {}\n", name, why);
  }
  if (first && unbuilt.size() == prepared.specs.size()) return *first;
  if (source) print_err("nslab: FAILED: {}\nThe kernels that were built before are measured.\n", source->message);
  return unbuilt;
}

/// How many boots of each kernel failed. Several threads add to it.
class FailureCount {
 public:
  /// Boots, unless the kernel has failed too often.
  Result<BootRecord> execute(const BootPlan& plan, const BootPool::Execute& boot) {
    if (failed(plan.kernel, 0) >= kMostFailures) {
      return negative_result("{}, seed {}{}{} boots of this kernel have failed", plan.kernel, plan.seed, kNotBooted,
                             kMostFailures);
    }
    auto record = boot(plan);
    if (!record && record.error().exit == Exit::says_no) failed(plan.kernel, 1);
    return record;
  }

 private:
  /// A kernel that hangs costs its wall limit in each boot; a second failure is enough to tell it from an accident.
  static constexpr int kMostFailures = 2;

  int failed(const std::string& kernel, int more) {
    const std::lock_guard lock(mutex_);
    return counts_[kernel] += more;
  }

  std::mutex mutex_;
  std::map<std::string, int> counts_;
};

/// Stores what the pool's boots end with: samples, or why there are none. A boot that cannot be stored because another
/// program has locked the store is kept, and tried again.
class Keeper {
 public:
  Keeper(Store& store, std::int64_t run, Progress& progress) : store_(store), run_(run), progress_(progress) {}

  /// What the boot of this plan ended with. Errors that no other boot is spared are returned.
  Result<void> take(const BootPlan& plan, Result<BootRecord> boot) {
    if (boot) {
      waiting_.push_back(std::move(*boot));
      return {};
    }
    if (boot.error().exit != Exit::says_no || interrupted()) return boot.error();
    progress_.say("FAILED: " + boot.error().message);
    ++failed_[plan.kernel];
    waiting_failures_.push_back({plan.kernel, plan.seed, boot.error().message, name_of(plan.condition)});
    return {};
  }

  /// Stores the boots that wait, or as many as the other program lets it.
  Result<void> store() {
    while (!waiting_.empty()) {
      if (TRY(store_.add(run_, waiting_.front())) == Store::Added::busy) return tell_of_lock();
      waiting_.pop_front();
      ++ended_;
    }
    while (!waiting_failures_.empty()) {
      if (TRY(store_.add_failure(run_, waiting_failures_.front())) == Store::Added::busy) return tell_of_lock();
      waiting_failures_.pop_front();
      ++ended_;
    }
    told_ = false;
    return {};
  }

  bool all_stored() const { return waiting_.empty() && waiting_failures_.empty(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t ended() const { return ended_; }  ///< boots and failures, once they are stored
  const std::map<std::string, int>& failed() const { return failed_; }

 private:
  Result<void> tell_of_lock() {
    if (!told_) progress_.say("another program has locked the results: finished boots wait until it lets go");
    told_ = true;
    return {};
  }

  Store& store_;
  const std::int64_t run_;
  Progress& progress_;
  std::deque<BootRecord> waiting_;
  std::deque<BootFailure> waiting_failures_;
  std::uint64_t ended_ = 0;
  bool told_ = false;
  std::map<std::string, int> failed_;  ///< boots, by kernel
};

/// "flat 2, multi 1"
std::string count_text(const std::map<std::string, int>& counts) {
  std::vector<std::string> texts;
  for (const auto& [kernel, count] : counts) texts.push_back(fmt::format("{} {}", kernel, count));
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// Takes the boots as they end, and stores each.
Result<void> take_and_store(Boots& boots, Keeper& keeper, Progress& progress) {
  Result<void> outcome;
  const auto note = [&](const Result<void>& step) {
    if (step) return;
    boots.stop();
    if (outcome) outcome = step;
  };
  while (!boots.all_ended() || (!keeper.all_stored() && outcome && !interrupted())) {
    auto ended = boots.next();
    if (interrupted()) boots.stop();
    if (ended) note(keeper.take(*ended->plan, std::move(ended->boot)));
    note(keeper.store());
    progress.update(keeper.ended());
  }
  if (interrupted() && keeper.waiting() > 0) {
    return negative_result(
        "interrupted: {} lost, because another program had the results locked; all others are kept, and the same "
        "command goes on from there",
        counted(keeper.waiting(), "finished boot"));
  }
  if (interrupted()) return interruption();
  if (keeper.waiting() > 0) print_err("nslab: {} not stored\n", counted(keeper.waiting(), "finished boot"));
  return outcome;
}

/// The boots of a run, under way here or on other machines.
class BootsUnderWay {
 public:
  BootsUnderWay(const Prepared& prepared, const Paths& paths, const RunOptions& options)
      : prepared_(prepared), paths_(paths), options_(options) {}

  Result<void> start(const std::vector<const BootPlan*>& plans, const RunRecord& run, const Machines& machines) {
    const fs::path failed = options_.results / "failed";
    if (machines.kind == Machines::Kind::here) {
      pool(plans, prepared_.jobs,
           [this, failed](const BootPlan& plan) { return execute_boot(prepared_, plan, paths_.cache, failed); });
      return {};
    }
    // Two programs with the same run may send boots to one machine: each has a folder of its own there.
    const bool by_ssh = machines.kind == Machines::Kind::ssh;
    const std::string suffix = by_ssh ? fmt::format("-{}-{}-{}", host_name(), ::getpid(), std::time(nullptr)) : "";
    packed_ = TRY(pack_run(prepared_, run, fs::absolute(options_.results / "packed"), suffix));
    if (!by_ssh) {
      const auto known = TRY(forecast(prepared_, paths_, options_));
      boots_ = TRY(SlurmBoots::submit(plans, prepared_, *packed_, machines.slurm_options, known.seconds_a_boot));
      return {};
    }
    ssh_ = TRY(SshMachines::connect(machines.hosts, *packed_, prepared_, options_.ssh_config));
    pool(plans, ssh_->places(), [this](const BootPlan& plan) { return ssh_->execute(plan); });
    return {};
  }

  Boots& boots() { return *boots_; }

  /// What was packed for other machines is of no more use.
  void remove_packed() const {
    if (!packed_) return;
    std::error_code ignored;
    fs::remove_all(packed_->folder(), ignored);
    if (fs::is_empty(packed_->folder().parent_path(), ignored)) fs::remove_all(packed_->shelf, ignored);
  }

 private:
  void pool(const std::vector<const BootPlan*>& plans, unsigned jobs, BootPool::Execute execute) {
    boots_ = std::make_unique<BootPool>(
        plans, jobs, [this, boot = std::move(execute)](const BootPlan& plan) { return failures_.execute(plan, boot); });
  }

  const Prepared& prepared_;
  const Paths& paths_;
  const RunOptions& options_;
  FailureCount failures_;
  std::optional<PackedRun> packed_;
  std::unique_ptr<SshMachines> ssh_;
  std::unique_ptr<Boots> boots_;  ///< last, as its threads use the others
};

/// A run of the time meter that was begun on another machine, or with other settings of this one, is not gone on with:
/// half of its times would be of each.
Result<void> refuse_another_host(const Prepared& prepared, Store& store) {
  if (!properties_of(prepared.experiment.meter).depends_on_host) return {};
  const auto runs = TRY(store.runs());
  if (runs.empty() || !runs.back().finished.empty() || runs.back().boots_done == 0) return {};
  const auto manifest = parse_json(runs.back().manifest);
  if (!manifest || text_member(*manifest, "experiment") != prepared.experiment.text) return {};
  const auto differences = identity_differences(object_member(*manifest, "host_identity"),
                                                host_identity(describe_host(), read_host_settings()));
  if (differences.empty()) return {};
  return user_error(
      "run {} was begun on another machine or with other settings, and times of two machines do not go into one run: "
      "{}. "
      "Give another --results",
      runs.back().id, fmt::join(differences, "; "));
}

}  // namespace

Result<RunRecord> run_experiment(const Experiment& experiment, const Paths& paths, const RunOptions& options) {
  if (is_text_run(options.results)) {
    return user_error("{} has a run in its text form, which a new store would hide: name another folder with --results",
                      options.results.string());
  }
  const auto machines = TRY(machines_from(options.machines));
  if (machines.kind != Machines::Kind::here && (!options.cpus.empty() || options.fifo))
    return user_error("--cpus and --fifo are for boots of this machine, and --on names others");
  const auto prepared = TRY(prepare(experiment, paths, options));

  // We open the store before we build kernels: an unwritable disk shall not cost the user an hour of building.
  const fs::path& results = options.results;
  auto store = TRY(Store::open(results.string()));
  const auto lock = TRY(FileLock::attempt(results / "nslab.lock"));
  if (!lock.has_value())
    return user_error("another nslab runs in {}; wait for it, or use another --results", results.string());

  TRY(refuse_another_host(prepared, store));
  const auto unbuilt = TRY(build_kernels(prepared, KernelBuilder(paths)));
  const auto run = TRY(store.continue_or_begin(run_key(prepared), TRY(fresh_run(prepared, unbuilt))));
  TRY(store.adopt(run.id, boot_keys(prepared)));
  const auto missing = TRY(missing_boots(prepared, store));
  if (missing.size() < prepared.plan.size()) {
    print_err("run {}: {} of {} boots are stored already and are not measured again\n", run.id,
              prepared.plan.size() - missing.size(), prepared.plan.size());
  }
  BootsUnderWay under_way(prepared, paths, options);
  {
    Progress progress(fmt::format("boots of {}", prepared.experiment.name), "boots", missing.size());
    Keeper keeper(store, run.id, progress);
    std::vector<const BootPlan*> bootable;
    for (const BootPlan* plan : missing) {
      const auto why = unbuilt.find(plan->kernel);
      if (why == unbuilt.end()) {
        bootable.push_back(plan);
        continue;
      }
      TRY(keeper.take(*plan, negative_result("{}, seed {}{}{}", plan->kernel, plan->seed, kNotBooted, why->second)));
    }
    TRY(under_way.start(bootable, run, machines));
    TRY(take_and_store(under_way.boots(), keeper, progress));
    if (!keeper.failed().empty()) {
      return negative_result(
          "boots that failed, or were not tried as others of their kernel had failed: {}. The {} others are stored, "
          "and reports show the failed cells as failed. The "
          "same command tries the failed boots again.",
          count_text(keeper.failed()), TRY(store.run(run.id)).boots_done);
    }
  }
  under_way.remove_packed();
  if (run.finished.empty()) TRY(store.finish(run.id, utc_now()));
  TRY(store.check_place());
  return store.run(run.id);
}

}  // namespace nslab
