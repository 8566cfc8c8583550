// SPDX-License-Identifier: GPL-2.0
#include "packed_run.h"

#include <algorithm>

#include "execute_boot.h"
#include "files.h"
#include "hash.h"
#include "host.h"
#include "image.h"
#include "json.h"
#include "qemu.h"
#include "resources.h"
#include "scratch_folder.h"
#include "store.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr int kPackedFormat = 1;
constexpr const char* kLoader = "ld-linux-x86-64.so.2";

/// Whether two files have the same content; of two names of one file nothing is read.
Result<bool> are_equal(const fs::path& one, const fs::path& other) {
  std::error_code error;
  if (fs::equivalent(one, other, error)) return true;
  return TRY(sha256_file(one)) == TRY(sha256_file(other));
}

/// Whether a folder has these files, with the content that they have elsewhere.
Result<bool> has_all(const fs::path& folder, const std::map<std::string, fs::path>& files) {
  for (const auto& [name, file] : files) {
    if (!is_there(folder / name) || !TRY(are_equal(folder / name, file))) return false;
  }
  return true;
}

enum class Means {
  link,  ///< a second name, or a copy where the disk is another one: for files that nobody writes into
  copy,
};

/// Puts files (name → where they are) into a folder below the shelf, unless they are there as they are.
Result<void> place(const fs::path& folder, const std::map<std::string, fs::path>& files, Means means) {
  if (is_there(folder) && TRY(has_all(folder, files))) return {};
  std::error_code error;
  fs::remove_all(folder, error);
  TempFolder made = TRY(TempFolder::make(folder.parent_path(), ".part"));
  for (const auto& [name, file] : files) {
    const fs::path to = made.path() / name;
    if (means == Means::link) fs::create_hard_link(file, to, error);
    if (means == Means::copy || error) fs::copy_file(file, to, error);
    if (error) return machine_error("cannot copy {} to {}: {}", file.string(), to.string(), error.message());
  }
  return made.rename_to(folder);
}

/// nslab itself with what it loads, and the plugins. Returns the folder's name.
Result<std::string> place_program(const fs::path& plugins, const fs::path& shelf) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return machine_error("cannot find nslab's own program: {}", error.message());
  std::map<std::string, fs::path> files = {{"nslab", self}};
  for (const auto& [path, file] : TRY(libraries_of(self))) files[fs::path(path).filename()] = file;
  for (const char* plugin : {"guard.so", "attribution.so"}) {
    if (is_there(plugins / plugin)) files[plugin] = plugins / plugin;
  }
  Hasher hash;
  for (const auto& [name, file] : files) hash.part(name, TRY(sha256_file(file)));
  std::string name = hash.hex();
  // Copied, as the next build writes into the program and the plugins of this one.
  TRY(place(shelf / "programs" / name, files, Means::copy));
  return name;
}

Error damaged(const fs::path& file, const std::string& why) {
  return user_error(
      "{} is no packed run of this nslab, or is damaged: {}. Give the 'nslab run … --on …' that made it "
      "again",
      file.string(), why);
}

}  // namespace

Result<PackedRun> pack_run(const Prepared& prepared, const RunRecord& run, const fs::path& shelf,
                           const std::string& suffix) {
  PackedRun packed{.shelf = shelf,
                   .name = fs::path("runs") / (run_key(prepared).substr(0, 16) + suffix),
                   .program = {},
                   .parts = {}};
  const std::string program = TRY(place_program(prepared.plugins, shelf));
  packed.program = fs::path("programs") / program;
  packed.parts.push_back(packed.program);
  const fs::path image = fs::path("images") / prepared.image.hash;
  packed.parts.push_back(image);
  TRY(make_folders(shelf / "images"));
  if (!is_there(shelf / image) || TRY(sha256_file(shelf / image)) != prepared.image.hash)
    TRY(write_file(shelf / image, TRY(read_file(prepared.image.file))));
  for (const auto& [name, kernel] : prepared.kernels) {
    if (!is_there(kernel.manifest())) continue;  // not built, and so not booted
    packed.parts.push_back(fs::path("kernels") / kernel.hash);
    std::map<std::string, fs::path> files;
    for (const fs::path& file : TRY(entries_of(kernel.folder))) {
      if (fs::is_regular_file(file)) files[file.filename()] = file;
    }
    TRY(place(shelf / packed.parts.back(), files, Means::link));
  }
  Json json;
  json["format"] = kPackedFormat;
  json["run"] = {{"experiment", run.experiment}, {"profile", run.profile},
                 {"measurable", run.measurable}, {"base", run.base},
                 {"started", run.started},       {"manifest", run.manifest},
                 {"planned", run.boots_planned}, {"programs", program}};
  json["accelerator"] = describe(prepared.accelerator).option;
  json["kernels"] = Json::object();
  for (const auto& [name, kernel] : prepared.kernels) json["kernels"][name] = kernel.hash;
  json["boots"] = Json::array();
  for (const BootPlan& plan : prepared.plan) {
    json["boots"].push_back(
        {{"kernel", plan.kernel}, {"isolated", plan.isolated}, {"key", plan.key}, {"plan", plan.to_json()}});
  }
  for (const char* folder : {"boots", "logs", "failed"}) TRY(make_folders(packed.folder() / folder));
  TRY(write_file(packed.folder() / "run.json", to_text(json)));
  packed.parts.push_back(packed.name / "run.json");
  return packed;
}

std::vector<std::string> work_command(const PackedRun& packed, const fs::path& shelf) {
  const fs::path programs = shelf / packed.program;
  return {programs / kLoader, "--library-path", programs, programs / "nslab", "work", shelf / packed.name};
}

Result<UnpackedRun> unpack_run(const fs::path& folder) {
  const fs::path file = folder / "run.json";
  const auto json = parse_json(TRY(read_file(file)));
  if (!json) return damaged(file, "it is no JSON");
  UnpackedRun unpacked;
  RunRecord& run = unpacked.run;
  std::vector<std::string> keys;
  std::vector<BootPlan> plans;
  std::map<std::string, std::string> kernels;
  std::string programs;
  std::string accelerator;
  try {
    if (json->at("format") != kPackedFormat) return damaged(file, "it has another format");
    const Json& fields = json->at("run");
    fields.at("experiment").get_to(run.experiment);
    fields.at("profile").get_to(run.profile);
    fields.at("measurable").get_to(run.measurable);
    fields.at("base").get_to(run.base);
    fields.at("started").get_to(run.started);
    fields.at("manifest").get_to(run.manifest);
    fields.at("planned").get_to(run.boots_planned);
    fields.at("programs").get_to(programs);
    json->at("accelerator").get_to(accelerator);
    for (const auto& [name, hash] : json->at("kernels").items()) kernels[name] = hash.get<std::string>();
    for (const Json& boot : json->at("boots")) {
      plans.push_back(TRY(plan_from_json(boot.at("plan").get<std::string>())));
      boot.at("kernel").get_to(plans.back().kernel);
      boot.at("isolated").get_to(plans.back().isolated);
      keys.push_back(boot.at("key").get<std::string>());
      if (!kernels.contains(plans.back().kernel)) return damaged(file, "a boot's kernel is not among its kernels");
    }
  } catch (const Json::exception& error) {
    return damaged(file, error.what());
  }
  const auto manifest = parse_json(run.manifest);
  if (!manifest) return damaged(file, "the run's manifest is no JSON");

  const fs::path shelf = folder.parent_path().parent_path();
  Prepared& prepared = unpacked.prepared;
  prepared.experiment = TRY(experiment_of(run));
  run.meter = prepared.experiment.meter;
  prepared.profile.name = run.profile;
  prepared.accelerator = TRY(choose_accelerator(prepared.experiment.meter, accelerator));
  prepared.qemu = TRY(qemu_version());
  prepared.qemu_fingerprint = TRY(qemu_fingerprint());
  if (prepared.qemu_fingerprint != text_member(*manifest, "qemu_fingerprint")) {
    return machine_error(
        "{} has another QEMU than the run was planned with: {} here, {} there (program or firmware differ). Install "
        "the "
        "same packages there and here",
        host_name(), prepared.qemu, text_member(*manifest, "qemu"));
  }
  const Json host = object_member(*manifest, "host");
  if (properties_of(run.meter).depends_on_host && host != describe_host()) {
    return machine_error(
        "{} is another kind of machine ({}) than the one that planned the run ({}): under the time meter all boots of "
        "a "
        "run belong to machines of one kind",
        host_name(), to_text(describe_host()), to_text(host));
  }
  const Resources usable = usable_resources();
  const bool timed = properties_of(prepared.experiment.meter).depends_on_host;
  prepared.jobs = TRY(choose_jobs(0, prepared.experiment.memory_mib, timed ? 1 : usable.cores, usable.memory_mib));
  prepared.plan = std::move(plans);
  prepared.image.file = shelf / "images" / text_member(*manifest, "initramfs_sha256");
  prepared.image.hash = TRY(sha256_file(prepared.image.file));
  for (const auto& [name, hash] : kernels) {
    const Kernel kernel{.name = name, .hash = hash, .folder = shelf / "kernels" / hash};
    if (is_there(kernel.manifest()) && !is_intact(kernel).value_or(false))
      return damaged(file, fmt::format("the kernel {} is not what was packed", name));
    prepared.kernels.emplace(name, kernel);
  }
  prepared.plugins = shelf / "programs" / programs;
  TRY(complete(prepared));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (prepared.plan[i].key != keys[i]) return damaged(file, "the guest, a plugin or a plan is not what was packed");
  }
  return unpacked;
}

Result<void> execute_packed(const UnpackedRun& unpacked, std::size_t number, const fs::path& folder,
                            const fs::path& cache) {
  const Prepared& prepared = unpacked.prepared;
  if (number >= prepared.plan.size()) {
    return user_error("there is no boot {}: {} has boots 0 to {}", number, folder.string(), prepared.plan.size() - 1);
  }
  const BootPlan& plan = prepared.plan[number];
  auto boot = execute_boot(prepared, plan, cache, folder / "failed");
  if (!boot && (boot.error().exit != Exit::says_no || interrupted())) return boot.error();
  // SQLite's files are made on a disk of this machine, where locks and memory mapping work.
  const ScratchFolder scratch = TRY(ScratchFolder::make(cache / "tmp", "packed-boot"));
  {
    auto store = TRY(Store::open(scratch.path().string()));
    const RunRecord run = TRY(store.begin("packed", unpacked.run));
    const auto added =
        boot ? store.add(run.id, *boot)
             : store.add_failure(run.id, {plan.kernel, plan.seed, boot.error().message, name_of(plan.condition)});
    if (TRY(added) != Store::Added::stored) return machine_error("{} is locked", scratch.path().string());
  }
  TempFolder made = TRY(TempFolder::make(folder / "boots", ".part"));
  TRY(write_file(made.path() / "nslab.sqlite", TRY(read_file(scratch.path() / "nslab.sqlite"))));
  std::error_code ignored;
  fs::remove_all(folder / "boots" / plan.key, ignored);
  TRY(made.rename_to(folder / "boots" / plan.key));
  if (!boot) print_err("{}\n", boot.error().message);
  return {};
}

Result<BootRecord> read_packed_boot(const fs::path& folder, const BootPlan& plan) {
  const auto read = [&]() -> Result<BootRecord> {
    auto store = TRY(Store::open_existing(folder.string()));
    const RunRecord run = TRY(store.run(std::nullopt));
    if (!run.failures.empty()) return Error{Exit::says_no, run.failures.front().error};
    auto boots = TRY(store.boots(run.id));
    if (boots.size() != 1 || boots.front().key != plan.key) return user_error("it is not the boot that was asked for");
    boots.front().trees = TRY(store.trees(plan.key));
    return std::move(boots.front());
  };
  auto boot = read();
  if (!boot && boot.error().exit != Exit::says_no) {
    return machine_error("{}, seed {}: what came of the boot in {} cannot be read: {}", plan.kernel, plan.seed,
                         folder.string(), boot.error().message);
  }
  return boot;
}

}  // namespace nslab
