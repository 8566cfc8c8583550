// SPDX-License-Identifier: GPL-2.0
#include "run.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "benchmarks.h"
#include "boot.h"
#include "clock.h"
#include "files.h"
#include "hash.h"
#include "image.h"
#include "json.h"
#include "kernel_build.h"
#include "locks.h"
#include "plan.h"
#include "progress.h"
#include "signals.h"
#include "stats.h"
#include "store.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// A boot that ended, well or not.
struct Finished {
  const BootPlan* plan = nullptr;
  Result<BootRecord> record;
};

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::uint64_t host_memory_mib() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) >>
         20;
}

Json describe_host() {
  utsname name{};
  ::uname(&name);
  return {{"system", fmt::format("{} {} {}", name.sysname, name.release, name.machine)},
          {"cpu", cpu_model()},
          {"cores", std::thread::hardware_concurrency()}};
}

/// Boots a list of plans on several threads; what ends is handed out one by one.
class Boots {
 public:
  using Execute = std::function<Result<BootRecord>(const BootPlan&)>;

  Boots(std::vector<const BootPlan*> plans, unsigned jobs, Execute execute)
      : plans_(std::move(plans)), execute_(std::move(execute)) {
    for (unsigned i = 0; i < std::min<std::size_t>(jobs, plans_.size()); ++i) threads_.emplace_back([this] { work(); });
    running_ = threads_.size();
  }
  ~Boots() { stop(); }

  /// The next boot to end; nothing when all have ended, or when none ended within half a second.
  std::optional<Finished> next() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(500), [&] { return !finished_.empty() || running_ == 0; });
    if (finished_.empty()) return std::nullopt;
    Finished first = std::move(finished_.front());
    finished_.pop_front();
    return first;
  }
  bool all_ended() {
    const std::lock_guard lock(mutex_);
    return running_ == 0 && finished_.empty();
  }
  /// Starts no more boots.
  void stop() {
    const std::lock_guard lock(mutex_);
    next_ = plans_.size();
  }

 private:
  void work() {
    for (;;) {
      const BootPlan* plan = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (next_ == plans_.size()) {
          --running_;
          changed_.notify_one();
          return;
        }
        plan = plans_[next_++];
      }
      auto record = execute_(*plan);
      const std::lock_guard lock(mutex_);
      finished_.push_back({plan, std::move(record)});
      changed_.notify_one();
    }
  }

  const std::vector<const BootPlan*> plans_;
  const Execute execute_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  std::deque<Finished> finished_;
  std::vector<std::jthread> threads_;
};

/// Moves what a failed boot left to where the user finds it.
void keep_failed(const fs::path& work, const fs::path& kept) {
  std::error_code ignored;  // the boot's own error is what matters
  fs::remove_all(kept, ignored);
  fs::create_directories(kept, ignored);
  for (const char* name : {"plan.json", "console.log", "frames.bin", "qemu.log"}) {
    fs::copy_file(work / name, kept / name, ignored);
  }
}

}  // namespace

Result<unsigned> choose_jobs(int wish, int memory_mib, unsigned cores, std::uint64_t host_mib) {
  constexpr std::uint64_t kQemuMib = 256;  // beside the guest's memory: translated code, most of it
  const std::uint64_t each = static_cast<std::uint64_t>(memory_mib) + kQemuMib;
  const std::uint64_t fitting = host_mib / each;
  if (fitting == 0) {
    return machine_error(
        "a guest with memory_mib = {} takes {} MiB, this machine has {} MiB: lower memory_mib, and "
        "leave out the benchmarks that then do not fit",
        memory_mib, each, host_mib);
  }
  if (wish > 0 && static_cast<std::uint64_t>(wish) > fitting) {
    return machine_error("{} boots at once with memory_mib = {} take {} MiB, this machine has {} MiB: --jobs {} fits",
                         wish, memory_mib, each * static_cast<std::uint64_t>(wish), host_mib, fitting);
  }
  if (wish > 0) return static_cast<unsigned>(wish);
  return static_cast<unsigned>(std::min<std::uint64_t>(std::max(1U, cores), fitting));
}

Result<Accelerator> choose_accelerator(Meter meter, const std::string& wish) {
  if (!wish.empty() && wish != "kvm" && wish != "tcg") {
    return user_error("there is no accelerator '{}'; there are: kvm (the time meter), tcg (both meters)", wish);
  }
  if (meter == Meter::instructions) {
    if (wish == "kvm") {
      return user_error("the instructions meter counts under QEMU's tcg; kvm goes with meter = \"time\"");
    }
    return Accelerator::icount;
  }
  if (wish == "tcg") return Accelerator::tcg;
  const auto probe = TRY(probe_kvm());
  if (probe.kind == KvmProbe::Kind::real) return Accelerator::kvm;
  return machine_error(
      "the time meter needs KVM: {}.\nWithout it: --accel tcg measures an emulator's time, meter = "
      "\"instructions\" needs no KVM",
      probe.explanation);
}

namespace {

/// An experiment unfolded: all that is known before a kernel is built and a guest boots.
struct Prepared {
  Base base;
  Profile profile;
  Accelerator accelerator = Accelerator::icount;
  std::string qemu;
  std::vector<Benchmark> benchmarks;
  std::vector<BootPlan> plan;
  unsigned jobs = 1;
  Image image;
  std::vector<std::string> command = {};  ///< QEMU's, with placeholders for the files
  std::vector<KernelSpec> specs = {};
  std::map<std::string, Kernel> kernels = {};  ///< where they are or will be, by model
  std::string key = {};
};

Result<Prepared> prepare(const Experiment& experiment, const Paths& paths, const RunOptions& options) {
  auto table = TRY(load_kernel_table(paths.kernels_folder()));
  auto base = TRY(table.base(experiment.base));
  if (!options.source.empty()) base.source = options.source;
  auto profile = TRY(table.profile(experiment.profile));
  if (!profile.measurable && !options.force_profile) {
    return user_error(
        "profile '{}' is not for measurement ({}); --force-profile measures all the same, and every report then "
        "says so",
        profile.name, profile.description);
  }
  const auto accelerator = TRY(choose_accelerator(experiment.meter, options.accelerator));
  auto qemu = TRY(qemu_version());
  auto benchmarks = TRY(list_benchmarks(paths.guest / "micro"));
  auto plan = TRY(make_plan(experiment, benchmarks));
  for (BootPlan& boot : plan) boot.fault = options.fault;
  const auto jobs =
      choose_jobs(options.jobs, experiment.memory_mib, std::thread::hardware_concurrency(), host_memory_mib());
  if (!jobs) return jobs.error();
  const auto files = TRY(locate_files(paths, files_needed(plan, benchmarks)));
  auto image = TRY(make_image(paths, files));

  Prepared prepared{.base = base,
                    .profile = profile,
                    .accelerator = accelerator,
                    .qemu = std::move(qemu),
                    .benchmarks = std::move(benchmarks),
                    .plan = std::move(plan),
                    .jobs = *jobs,
                    .image = std::move(image)};
  prepared.command =
      boot_command({"VMLINUX", "INITRAMFS", "PLAN", "FRAMES", "CONSOLE"}, 0, experiment.memory_mib, accelerator);
  const KernelBuilder builder(paths);
  for (const std::string& name : experiment.kernels()) {
    const auto model = TRY(table.model(name));
    prepared.specs.push_back({base, profile, model});
    const KernelSpec& spec = prepared.specs.back();
    const auto hash = TRY(builder.hash(spec));
    prepared.kernels.emplace(name, builder.cached(spec, hash));
  }
  Hasher key;
  key.part("image", prepared.image.hash)
      .part("qemu", prepared.qemu)
      .part("command", fmt::format("{}", fmt::join(prepared.command, " ")));
  for (const auto& [name, kernel] : prepared.kernels) key.part("kernel", kernel.hash);
  for (const BootPlan& boot : prepared.plan) key.part(boot.kernel, boot.to_json());
  prepared.key = key.hex();
  return prepared;
}

/// The plan's boots that a run does not have yet; run 0 has none.
Result<std::vector<const BootPlan*>> missing_boots(const Prepared& prepared, Store& store, std::int64_t run) {
  const auto done = TRY(store.boots_done(run));
  const std::set<std::pair<std::string, std::uint64_t>> stored(done.begin(), done.end());
  std::vector<const BootPlan*> missing;
  for (const BootPlan& boot : prepared.plan) {
    if (!stored.contains({prepared.kernels.at(boot.kernel).hash, boot.seed})) missing.push_back(&boot);
  }
  return missing;
}

}  // namespace

Result<Forecast> forecast(const Experiment& experiment, const Paths& paths, const RunOptions& options) {
  auto prepared = TRY(prepare(experiment, paths, options));
  Forecast forecast;
  forecast.jobs = prepared.jobs;
  forecast.boots = prepared.plan.size();
  forecast.missing = prepared.plan.size();
  const KernelBuilder builder(paths);
  for (const std::string& name : experiment.kernels()) {
    const BootPlan& first = *std::find_if(prepared.plan.begin(), prepared.plan.end(),
                                          [&](const BootPlan& boot) { return boot.kernel == name; });
    forecast.kernels.push_back({prepared.kernels.at(name), builder.is_built(prepared.kernels.at(name)), first});
  }
  if (!fs::exists(options.results / "nslab.sqlite")) return forecast;
  auto store = TRY(Store::open_existing(options.results.string()));
  const auto run = TRY(store.unfinished(prepared.key));
  const auto missing = TRY(missing_boots(prepared, store, run ? run->id : 0));
  forecast.missing = missing.size();
  const auto seconds = TRY(store.boot_seconds(experiment.text));
  if (seconds.empty()) return forecast;
  std::map<std::string, std::vector<double>> known;
  for (const auto& [kernel, boot] : seconds) {
    known[kernel].push_back(boot);
    known[""].push_back(boot);  // for the kernels of which no boot is stored
  }
  double sum = 0;
  for (const BootPlan* boot : missing) sum += mean(known.at(known.contains(boot->kernel) ? boot->kernel : ""));
  forecast.known_boots = seconds.size();
  forecast.seconds = sum / static_cast<double>(std::clamp<std::size_t>(missing.size(), 1, prepared.jobs));
  return forecast;
}

Result<RunRecord> run_experiment(const Experiment& experiment, const Paths& paths, const RunOptions& options) {
  auto prepared = TRY(prepare(experiment, paths, options));

  // The store before the kernels: an unwritable disk shall not cost an hour of building.
  const fs::path& results = options.results;
  auto store = TRY(Store::open(results.string()));
  const auto lock = TRY(FileLock::attempt(results / "nslab.lock"));
  if (!lock.has_value())
    return user_error("another nslab runs in {}; wait for it, or use another --results", results.string());

  const KernelBuilder builder(paths);
  for (const KernelSpec& spec : prepared.specs) {
    TRY(builder.build(spec));
  }

  Json manifest;
  manifest["experiment"] = experiment.text;
  manifest["accelerator"] = name_of(prepared.accelerator);
  manifest["initramfs_sha256"] = prepared.image.hash;
  manifest["qemu"] = prepared.qemu;
  manifest["qemu_command"] = prepared.command;
  manifest["host"] = describe_host();
  manifest["curves"] = curves_of(prepared.benchmarks);
  manifest["kernels"] = Json::object();
  for (const auto& [name, kernel] : prepared.kernels) {
    const auto kernel_manifest = TRY(read_manifest(kernel));
    manifest["kernels"][name] = kernel_manifest;
  }

  RunRecord fresh;
  fresh.experiment = experiment.name;
  fresh.meter = experiment.meter;
  fresh.profile = prepared.profile.name;
  fresh.base = prepared.base.name;
  fresh.started = utc_now();
  fresh.manifest = to_text(manifest, 2);
  fresh.boots_planned = static_cast<int>(prepared.plan.size());
  auto run = store.resume_or_begin(prepared.key, fresh);
  if (!run) return run;
  const auto missing = TRY(missing_boots(prepared, store, run->id));
  if (missing.size() < prepared.plan.size()) {
    fmt::print(stderr, "going on with run {}: {} of {} boots are stored\n", run->id,
               prepared.plan.size() - missing.size(), prepared.plan.size());
  }

  const auto execute = [&](const BootPlan& boot) -> Result<BootRecord> {
    auto folder = TRY(TempFolder::make(paths.cache / "tmp", "boot"));
    BootRecord record;
    record.kernel = boot.kernel;
    record.kernel_hash = prepared.kernels.at(boot.kernel).hash;
    record.seed = boot.seed;
    record.started = utc_now();
    BootSettings settings;
    settings.vmlinux = prepared.kernels.at(boot.kernel).vmlinux();
    settings.initramfs = prepared.image.file;
    settings.accelerator = prepared.accelerator;
    settings.memory_mib = experiment.memory_mib;
    settings.wall_limit_seconds = experiment.wall_limit_seconds;
    settings.folder = folder.path();
    auto booted = run_boot(boot, settings);
    if (!booted) {
      if (interrupted()) return booted.error();
      const fs::path kept = results / "failed" / fmt::format("{}-seed{}", boot.kernel, boot.seed);
      keep_failed(folder.path(), kept);
      return Error{booted.error().exit,
                   fmt::format("{}\nthe boot's files are in {}", booted.error().message, kept.string())};
    }
    record.finished = utc_now();
    record.wall_seconds = booted->wall_seconds;
    Json boot_manifest;
    boot_manifest["release"] = booted->report.release;
    boot_manifest["ready_instructions"] = booted->report.ready_instructions;
    boot_manifest["command"] = booted->command;
    record.manifest = to_text(boot_manifest);
    record.samples = std::move(booted->report.samples);
    return record;
  };

  Progress progress(fmt::format("boots of {}", experiment.name), "boots", missing.size());
  Boots boots(missing, prepared.jobs, execute);
  std::uint64_t count = 0;
  std::optional<Error> failure;
  while (!boots.all_ended()) {
    auto finished = boots.next();
    if (interrupted()) boots.stop();
    if (finished) {
      if (!finished->record) {
        if (!failure) failure = finished->record.error();
        boots.stop();
      } else if (auto added = store.add(run->id, *finished->record); !added) {
        if (!failure) failure = added.error();
        boots.stop();
      } else {
        ++count;
      }
    }
    progress.update(count);
  }
  if (interrupted()) return interruption();
  if (failure) return *failure;
  TRY(store.finish(run->id, utc_now()));
  return store.run(run->id);
}

}  // namespace nslab
