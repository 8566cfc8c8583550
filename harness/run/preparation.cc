// SPDX-License-Identifier: GPL-2.0
#include "preparation.h"

#include <algorithm>
#include <set>

#include "files.h"
#include "hash.h"
#include "host.h"
#include "host_settings.h"
#include "qemu.h"
#include "resources.h"
#include "stats.h"
#include "text.h"
#include "text_store.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// The result, or its error with the place in the experiment's file before it.
template <class T>
Result<T> at(const std::string& where, Result<T> result) {
  if (!result) result.error().message = fmt::format("{}: {}", where, result.error().message);
  return result;
}

/// BootPlan::key. `host` is empty unless the meter depends on it.
std::string boot_key(const Prepared& prepared, const BootPlan& plan, const std::string& host) {
  Hasher key;
  key.part("image", prepared.image.hash)
      .part("qemu", prepared.qemu_fingerprint)
      .part("command", fmt::format("{}", fmt::join(prepared.command, " ")))
      .part("name", plan.kernel)
      .part("kernel", prepared.kernels.at(plan.kernel).hash)
      .part("plan", plan.to_json());
  if (plan.isolated) key.part("cells", "isolated");
  if (!prepared.attribution_hash.empty()) key.part("attribution", prepared.attribution_hash);
  if (!host.empty()) key.part("host", host);
  return key.hex();
}

/// The host's pages of 2 MiB where enough of them are free, on the guests' node of memory, or else what the kernel
/// gives.
GuestMemory memory_for_timed(int memory_mib, unsigned guests, std::optional<int> node) {
  constexpr std::uint64_t kPageMib = 2;
  const std::string memory = node ? fmt::format("/sys/devices/system/node/node{}", *node) : "/sys/kernel/mm";
  const auto text = read_file(memory + "/hugepages/hugepages-2048kB/free_hugepages");
  const std::uint64_t free = text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
  const bool enough = free * kPageMib >= static_cast<std::uint64_t>(memory_mib) * guests;
  return enough ? GuestMemory::huge_pages : GuestMemory::prefaulted;
}

Result<void> find_places(Prepared& prepared) {
  std::vector<Cpu> cpus = usable_cpus();
  std::vector<int> usable;
  for (const Cpu& cpu : cpus) usable.push_back(cpu.number);
  if (!prepared.cpus.empty()) {
    const auto wanted = TRY(parse_cpu_list(prepared.cpus));
    std::erase_if(cpus,
                  [&](const Cpu& cpu) { return std::find(wanted.begin(), wanted.end(), cpu.number) == wanted.end(); });
    if (cpus.size() != wanted.size())
      return user_error("--cpus {}: this process may use {}, and no others", prepared.cpus, cpu_list_text(usable));
  }
  auto places = TRY(cpu_places(cpus, prepared.jobs, prepared.experiment.vcpus));
  prepared.node = places.front().node;
  prepared.places = std::make_shared<FreePlaces>(std::move(places));
  prepared.memory = memory_for_timed(prepared.experiment.memory_mib, prepared.jobs, prepared.node);
  return {};
}

}  // namespace

Result<void> complete(Prepared& prepared) {
  const Experiment& experiment = prepared.experiment;
  BootFiles placeholders{"VMLINUX", "INITRAMFS", "PLAN", "FRAMES", "CONSOLE"};
  if (!describe(prepared.accelerator).needs_kvm) placeholders.guard = "GUARD";
  if (experiment.attribution) {
    placeholders.plugin = "ATTRIBUTION";
    placeholders.symbols = "SYMBOLS";
    placeholders.counts = "COUNTS";
    placeholders.memory_accesses = experiment.memory_accesses;
  }
  for (const auto& [wanted, name] :
       {std::pair(placeholders.guard, "guard.so"), {placeholders.plugin, "attribution.so"}}) {
    const fs::path file = prepared.plugins / name;
    if (!wanted.empty() && !is_there(file)) {
      return machine_error("{} is missing: build nslab first (make build)", file.string());
    }
  }
  if (experiment.attribution) prepared.attribution_hash = TRY(sha256_file(prepared.plugins / "attribution.so"));
  const bool timed = properties_of(experiment.meter).depends_on_host;
  if (timed) TRY(find_places(prepared));
  prepared.command = boot_command(placeholders, 0, experiment.memory_mib, prepared.accelerator, experiment.vcpus,
                                  prepared.memory, prepared.node);
  std::string host;
  if (timed) {
    // Where and how guests run beside each other is a part of what their times depend on.
    host = fmt::format("{} jobs {} cpus {} fifo {}", to_text(host_identity(describe_host(), read_host_settings())),
                       prepared.jobs, prepared.cpus, prepared.fifo);
  }
  for (BootPlan& boot : prepared.plan) boot.key = boot_key(prepared, boot, host);
  return {};
}

Result<Prepared> prepare(const Experiment& experiment, const Paths& paths, const RunOptions& options) {
  TRY(check_build_folder(paths.cache));
  auto table = TRY(load_kernel_table(paths.kernels_folder()));
  auto base = TRY(at(experiment.base_where, table.base(experiment.base)));
  if (!options.source.empty()) base.source = options.source;
  auto profile = TRY(at(experiment.profile_where, table.profile(experiment.profile)));
  if (!profile.measurable && !options.force_profile) {
    return user_error(
        "{}: profile '{}' is not for measurement ({}); --force-profile measures all the same, and every report then "
        "says so",
        experiment.profile_where, profile.name, profile.description);
  }
  const bool timed = properties_of(experiment.meter).depends_on_host;
  const KernelBuilder builder(paths);
  std::vector<KernelSpec> specs;
  for (const std::string& name : experiment.kernels()) {
    specs.push_back(TRY(at(experiment.where_named(name), builder.spec(table, base, profile, name))));
    specs.back().with_bzimage = timed;
  }
  const auto accelerator = TRY(choose_accelerator(experiment.meter, options.accelerator));
  auto qemu = TRY(qemu_version());
  auto fingerprint = TRY(qemu_fingerprint());
  auto benchmarks = TRY(list_benchmarks(paths.guest, experiment.meter));
  auto plan = TRY(make_plan(experiment, benchmarks));
  const auto colon = options.fault.find(':');
  for (BootPlan& boot : plan) {
    if (colon == std::string::npos || options.fault.substr(0, colon) == boot.kernel)
      boot.fault = options.fault.substr(colon + 1);  // all of it, if there is no colon
  }
  const Resources usable = usable_resources();
  if (!timed && (!options.cpus.empty() || options.fifo)) {
    return user_error(
        "--cpus and --fifo are for the time meter: the other one's counts do not depend on where it runs");
  }
  if (options.fifo && read_file("/proc/sys/kernel/sched_rt_runtime_us").value_or("-1") != "-1\n") {
    return user_error(
        "--fifo: this kernel takes the CPU from such threads for a part of each second; sysctl "
        "kernel.sched_rt_runtime_us=-1 turns that off");
  }
  // Guests that are timed at once disturb each other: several are the user's own wish.
  const auto jobs = TRY(choose_jobs(options.jobs, experiment.memory_mib, timed ? 1 : usable.cores, usable.memory_mib));
  const auto files = TRY(locate_files(paths, files_needed(plan, benchmarks)));
  auto image = TRY(make_image(paths, files, experiment.meter));

  Prepared prepared{.experiment = experiment,
                    .base = base,
                    .profile = profile,
                    .accelerator = accelerator,
                    .qemu = std::move(qemu),
                    .qemu_fingerprint = std::move(fingerprint),
                    .benchmarks = std::move(benchmarks),
                    .plan = std::move(plan),
                    .jobs = jobs,
                    .image = std::move(image)};
  prepared.specs = std::move(specs);
  prepared.preload = options.preload;
  prepared.cpus = options.cpus;
  prepared.fifo = options.fifo;
  prepared.plugins = paths.plugins;
  for (const KernelSpec& spec : prepared.specs) {
    const std::string& name = spec.model.name;
    const auto hash = TRY(builder.hash(spec));
    for (const auto& [other, kernel] : prepared.kernels) {
      if (kernel.hash == hash)
        return user_error(
            "{}: {} and {} are one kernel by two names: take one of them{}", experiment.where_named(name), other, name,
            experiment.builds > 1 ? ". multi-twin is one of the builds that 'builds' makes of multi" : "");
    }
    prepared.kernels.emplace(name, builder.cached(spec, hash));
  }
  TRY(complete(prepared));
  return prepared;
}

std::vector<std::string> boot_keys(const Prepared& prepared) {
  std::vector<std::string> keys;
  for (const BootPlan& plan : prepared.plan) keys.push_back(plan.key);
  return keys;
}

std::string run_key(const Prepared& prepared) {
  Hasher key;
  key.part("experiment", prepared.experiment.text);
  for (const BootPlan& plan : prepared.plan) key.part("boot", plan.key);
  return key.hex();
}

Result<std::vector<const BootPlan*>> missing_boots(const Prepared& prepared, Store& store) {
  const auto stored = TRY(store.stored(boot_keys(prepared)));
  std::vector<const BootPlan*> missing;
  for (const BootPlan& plan : prepared.plan) {
    if (!stored.contains(plan.key)) missing.push_back(&plan);
  }
  return missing;
}

namespace {

using BootSeconds = std::vector<std::pair<std::string, double>>;

/// (kernel, seconds) of the reference run of this experiment; none where there is no such run, it cannot be read, or it
/// was made from another file. Says in `forecast` where they come from.
BootSeconds reference_seconds(const Experiment& experiment, const Paths& paths, Forecast& forecast) {
  const fs::path folder = paths.root / "results" / "reference" / experiment.name;
  if (!is_text_run(folder)) return {};
  const auto stored = read_text_run(folder);
  if (!stored) return {};
  const auto manifest = parse_json(stored->run.manifest);
  if (!manifest || text_member(*manifest, "experiment") != experiment.text) return {};
  const Json host = object_member(*manifest, "host");
  if (host != describe_host()) {
    const auto cores = host.find("cores");
    forecast.other_machine =
        fmt::format("{}, {} cores", text_member(host, "cpu"), cores == host.end() ? "unknown" : to_text(*cores));
  }
  forecast.known_in = folder;
  BootSeconds seconds;
  for (const BootRecord& boot : stored->boots) seconds.emplace_back(boot.kernel, boot.wall_seconds);
  return seconds;
}

}  // namespace

Result<Forecast> forecast(const Prepared& prepared, const Paths& paths, const RunOptions& options) {
  const Experiment& experiment = prepared.experiment;
  Forecast forecast;
  forecast.jobs = prepared.jobs;
  forecast.boots = prepared.plan.size();
  const KernelBuilder builder(paths);
  for (const auto& [kernel, under] : kernels_under_conditions(experiment)) {
    const std::string& name = kernel;
    const Condition& condition = under;
    const BootPlan& first = *std::find_if(prepared.plan.begin(), prepared.plan.end(), [&](const BootPlan& boot) {
      return boot.kernel == name && boot.condition == condition;
    });
    const KernelSpec& spec = *std::find_if(prepared.specs.begin(), prepared.specs.end(),
                                           [&](const KernelSpec& each) { return each.model.name == name; });
    const Kernel& planned = prepared.kernels.at(name);
    forecast.kernels.push_back({planned, builder.is_built(spec, planned), first});
  }
  std::vector<const BootPlan*> missing;
  BootSeconds seconds;
  if (is_there(options.results / "nslab.sqlite")) {
    auto store = TRY(Store::open_existing(options.results.string()));
    missing = TRY(missing_boots(prepared, store));
    seconds = TRY(store.boot_seconds(experiment.text, boot_keys(prepared)));
    forecast.known_in = options.results;
  } else {
    for (const BootPlan& boot : prepared.plan) missing.push_back(&boot);
  }
  forecast.missing = missing.size();
  if (seconds.empty()) seconds = reference_seconds(experiment, paths, forecast);
  if (seconds.empty()) return forecast;
  std::map<std::string, std::vector<double>> known;
  for (const auto& [kernel, boot] : seconds) {
    known[kernel].push_back(boot);
    known[""].push_back(boot);  // for the kernels of which no boot is stored
  }
  double sum = 0;
  for (const BootPlan* boot : missing) sum += mean(known.at(known.contains(boot->kernel) ? boot->kernel : ""));
  forecast.known_boots = seconds.size();
  forecast.seconds_a_boot = mean(known.at(""));
  forecast.seconds = sum / static_cast<double>(std::clamp<std::size_t>(missing.size(), 1, prepared.jobs));
  return forecast;
}

}  // namespace nslab
