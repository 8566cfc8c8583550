// SPDX-License-Identifier: GPL-2.0
#include "ingredients.h"

#include <set>

#include "benchmarks.h"
#include "experiment.h"
#include "hash.h"
#include "image.h"
#include "json.h"
#include "kernel_source.h"
#include "kernel_table.h"
#include "plan.h"
#include "qemu.h"

namespace nslab {

namespace {

std::optional<std::string> known(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

/// The manifest, or an empty object.
Json manifest_of(const RunRecord& run) {
  auto manifest = parse_json(run.manifest);
  return manifest && manifest->is_object() ? *manifest : Json::object();
}

/// The initramfs that the experiment would boot with today.
Result<std::string> initramfs_today(const std::string& experiment_text, const Paths& paths) {
  const auto experiment = TRY(parse_experiment(experiment_text, "the run's experiment"));
  const auto benchmarks = TRY(list_benchmarks(paths.guest, experiment.meter));
  const auto plan = TRY(make_plan(experiment, benchmarks));
  const auto files = TRY(locate_files(paths, files_needed(plan, benchmarks)));
  return sha256(TRY(pack_image(paths, files, experiment.meter)));
}

/// Of all series that the run's kernels have.
Result<std::map<std::string, std::string>> patches_today(const RunRecord& run, const KernelTable& table,
                                                         const Paths& paths) {
  const Base base = TRY(table.base(run.base));
  std::set<std::string> all;
  const Json kernels = object_member(manifest_of(run), "kernels");
  for (const auto& [name, kernel] : kernels.items()) {
    const auto model = table.model(name);
    all.insert(model && !model->series.empty() ? model->series : base.series);
  }
  std::map<std::string, std::string> patches;
  for (const std::string& series : all) {
    for (const Patch& patch : TRY(read_series(paths.kernels_folder() / series)))
      patches[patch.name] = sha256(patch.content);
  }
  return patches;
}

/// "the patches a, b", or "the patch a".
std::string listed(const std::string& what, const std::string& several, const std::vector<std::string>& names) {
  return fmt::format("{} {}", names.size() == 1 ? what : several, fmt::join(names, ", "));
}

}  // namespace

Ingredients ingredients_of(const RunRecord& run) {
  const Json manifest = manifest_of(run);
  Ingredients then;
  then.qemu = known(text_member(manifest, "qemu"));
  then.qemu_fingerprint = known(text_member(manifest, "qemu_fingerprint"));
  then.initramfs = known(text_member(manifest, "initramfs_sha256"));
  const Json kernels = object_member(manifest, "kernels");
  for (const auto& [name, kernel] : kernels.items()) {
    if (!kernel.is_object()) continue;
    if (const auto config = kernel.find("model_config"); config != kernel.end()) then.models[name] = to_text(*config);
    const auto patches = kernel.find("patches");
    if (patches == kernel.end() || !patches->is_array()) continue;
    if (!then.patches) then.patches.emplace();
    for (const Json& patch : *patches) {
      if (patch.is_object()) (*then.patches)[text_member(patch, "name")] = text_member(patch, "sha256");
    }
  }
  return then;
}

Ingredients ingredients_today(const RunRecord& run, const Paths& paths) {
  Ingredients today;
  if (const auto qemu = qemu_version()) today.qemu = *qemu;
  if (const auto fingerprint = qemu_fingerprint()) today.qemu_fingerprint = *fingerprint;
  if (const auto hash = initramfs_today(text_member(manifest_of(run), "experiment"), paths)) today.initramfs = *hash;
  const auto table = load_kernel_table(paths.kernels_folder());
  if (!table) return today;
  if (const auto patches = patches_today(run, *table, paths)) today.patches = *patches;
  for (const Model& model : table->models) today.models[model.name] = to_text(Json(model.config));
  return today;
}

std::vector<std::string> differences_from_today(const Ingredients& then, const Ingredients& today) {
  std::vector<std::string> sentences;
  if (then.qemu && today.qemu && *then.qemu != *today.qemu) {
    sentences.push_back(fmt::format("the run was made with {}, this machine has {}.", *then.qemu, *today.qemu));
  } else if (then.qemu_fingerprint && today.qemu_fingerprint && *then.qemu_fingerprint != *today.qemu_fingerprint) {
    sentences.push_back(
        "QEMU's program or its firmware is not the one that the run was made with, of the same version.");
  }
  if (then.initramfs && today.initramfs && *then.initramfs != *today.initramfs) {
    sentences.push_back(
        fmt::format("the guest's programs or libraries (initramfs {:.12}) are not those that a run would boot with "
                    "today ({:.12}).",
                    *then.initramfs, *today.initramfs));
  }
  if (then.patches && today.patches) {
    std::vector<std::string> other;
    for (const auto& [name, hash] : *then.patches) {
      const auto found = today.patches->find(name);
      if (found == today.patches->end() || found->second != hash) other.push_back(name);
    }
    std::vector<std::string> added;
    for (const auto& [name, hash] : *today.patches) {
      if (!then.patches->contains(name)) added.push_back(name);
    }
    if (!other.empty()) {
      sentences.push_back(
          fmt::format("the kernels were built from a series in which {} not as today.",
                      listed("the patch", "the patches", other) + (other.size() == 1 ? " is" : " are")));
    }
    if (!added.empty()) {
      sentences.push_back(fmt::format("the kernels were built from a series without {}.",
                                      listed("today's patch", "today's patches", added)));
    }
  }
  std::vector<std::string> models;
  for (const auto& [name, config] : then.models) {
    const auto found = today.models.find(name);
    if (found != today.models.end() && found->second != config) models.push_back(name);
  }
  if (!models.empty()) {
    sentences.push_back(fmt::format("the settings of {} are not those of today's kernels.toml.",
                                    listed("the kernel", "the kernels", models)));
  }
  return sentences;
}

}  // namespace nslab
