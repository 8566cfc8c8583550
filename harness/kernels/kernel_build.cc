// SPDX-License-Identifier: GPL-2.0
#include "kernel_build.h"

#include <cmath>
#include <optional>

#include "clock.h"
#include "hash.h"
#include "kernel_config.h"
#include "kernel_make.h"
#include "kernel_size.h"
#include "output.h"
#include "progress.h"
#include "resources.h"
#include "signals.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// Of a kernel that starts with its build base's objects, about one object in so many is compiled. It only serves to
// show the time left.
constexpr int kBuildBaseShare = 16;

Json manifest_of(const KernelSpec& spec, const KernelInputs& inputs) {
  Json manifest;
  manifest["hash"] = inputs.hash();
  manifest["model"] = spec.model.name;
  manifest["profile"] = spec.profile.name;
  manifest["base"] = spec.base.name;
  manifest["source_sha256"] = inputs.source_hash;
  manifest["patches"] = Json::array();
  for (const Patch& patch : inputs.patches)
    manifest["patches"].push_back({{"name", patch.name}, {"sha256", sha256(patch.content)}});
  manifest["debian_config_sha256"] = inputs.debian_config_hash;
  manifest["fragment_sha256"] = sha256(inputs.fragment);
  manifest["model_config"] = spec.model.config;
  manifest["compiler"] = inputs.compiler;
  manifest["linker"] = inputs.linker;
  return manifest;
}

/// Configures and compiles in `place`, and leaves the sizes and the manifest beside the kernel.
Result<void> build_in(const BuildPlace& place, const KernelSpec& spec, const KernelInputs& inputs, const fs::path& tree,
                      const ClockWatch& clock, int jobs) {
  const fs::path& folder = place.folder.path();
  const std::string label = fmt::format("kernel {} ({})", spec.model.name, spec.profile.name);
  const double start = monotonic_seconds();
  TRY(configure_kernel(spec.base, spec.profile, inputs.fragment + inputs.model, tree, folder));
  const auto expected = spec.profile.objects / (spec.model.build_base ? kBuildBaseShare : 1);
  const auto objects = TRY(compile_kernel({.label = label,
                                           .tree = tree,
                                           .folder = folder,
                                           .expected_objects = static_cast<std::uint64_t>(expected),
                                           .lock = place.lock.fd(),
                                           .jobs = jobs},
                                          clock));
  TRY(check_compiled_settings(folder));
  const double seconds = monotonic_seconds() - start;
  print_err("{}: built, {} objects in {}\n", label, objects, duration_text(seconds));

  TRY(write_file(folder / "sizes.json", to_json(TRY(measure_kernel_size(folder)))));
  Json manifest = manifest_of(spec, inputs);
  manifest["vmlinux_sha256"] = TRY(sha256_file(folder / "vmlinux"));
  manifest[kBzimageHash] = TRY(sha256_file(folder / "arch/x86/boot/bzImage"));
  manifest["sizes_sha256"] = TRY(sha256_file(folder / "sizes.json"));
  manifest["objects"] = objects;
  manifest["build_seconds"] = std::llround(seconds);
  return write_file(folder / "manifest.json", to_text(manifest, 2) + "\n");
}

}  // namespace

Result<KernelSpec> KernelBuilder::spec(const KernelTable& table, const Base& base, const Profile& profile,
                                       const std::string& name) const {
  if (!names_given_kernel(name)) {
    const Model model = TRY(table.model(name));
    if (!model.is_for(base))
      return user_error("the model '{}' is a series of its own, '{}', and not one for {}", name, model.series,
                        base.name);
    return KernelSpec(base, profile, model);
  }
  KernelSpec spec(base, profile, {.name = name, .description = "", .config = {}});
  spec.given = TRY(find_given_kernel(spec, kernels_folder_, cache_, table.bases));
  return spec;
}

Result<std::string> KernelBuilder::hash(const KernelSpec& spec) const {
  if (spec.given) return spec.given->hash;
  return TRY(inputs(spec)).hash();
}

Kernel KernelBuilder::cached(const KernelSpec& spec, const std::string& hash) const {
  return cache_.kernel(spec.model.name, hash);
}

bool KernelBuilder::is_built(const KernelSpec& spec, const Kernel& kernel) const {
  return is_complete(cache_, spec, kernel);
}

Result<fs::path> KernelBuilder::source_tree(const Base& base, bool patched) const {
  const auto hash = TRY(cache_.source_hash(base.source));
  if (!patched) return cache_.source_tree(base.source, base.version(), hash, {});
  return cache_.source_tree(base.source, base.version(), hash, TRY(read_series(kernels_folder_ / base.series)));
}

Result<void> KernelBuilder::configure(const KernelSpec& spec, const fs::path& tree, const fs::path& folder) const {
  const auto in = TRY(inputs(spec));
  return configure_kernel(spec.base, spec.profile, in.fragment + in.model, tree, folder);
}

Result<Kernel> KernelBuilder::build(const KernelSpec& spec, int jobs) const {
  if (spec.given) return provide_kernel(spec, cache_, jobs);
  return build(spec, jobs, /*with_objects=*/false);
}

Result<Kernel> KernelBuilder::build(const KernelSpec& spec, int jobs, bool with_objects) const {
  const std::string& profile = spec.profile.name;
  const auto in = TRY(inputs(spec));
  const Kernel kernel = cache_.kernel(spec.model.name, in.hash());
  const auto is_damaged = [&] { return cache_.is_built(kernel) && !is_intact(kernel).value_or(false); };
  const auto have = [&] {
    return is_built(spec, kernel) && (!with_objects || cache_.has_objects(profile, kernel)) && !is_damaged();
  };
  if (have()) return kernel;
  const auto lock = TRY(cache_.lock(kernel));
  if (have()) return kernel;  // another process has built it meanwhile
  if (is_damaged()) {
    print_err("nslab: {} is damaged: it does not hold the kernel {} that was built there. It is built anew\n",
              kernel.folder.string(), kernel.name);
    TRY(cache_.remove(kernel));
  }

  // Where another process makes room for its objects before we have copied ours, we make them anew.
  bool has_start = !spec.model.build_base;
  std::optional<BuildPlace> place;
  std::optional<ClockWatch> clock;
  do {
    place.reset();
    std::optional<Kernel> build_base;
    if (spec.model.build_base)
      build_base = TRY(build({spec.base, spec.profile, *spec.model.build_base}, jobs, /*with_objects=*/true));
    place = TRY(cache_.build_place(in.family()));
    clock.emplace();
    if (build_base) has_start = TRY(cache_.copy_objects(profile, *build_base, place->folder.path()));
  } while (!has_start);
  const fs::path tree = TRY(cache_.source_tree(spec.base.source, spec.base.version(), in.source_hash, in.patches));
  TRY(build_in(*place, spec, in, tree, *clock, jobs));
  TRY(cache_.check_source_tree(tree));
  TRY(cache_.keep_kernel(kernel, place->folder.path()));
  if (spec.model.is_build_base) TRY(cache_.keep_objects(profile, kernel, std::move(place->folder)));
  return kernel;
}

Result<bool> is_intact(const Kernel& kernel) {
  const std::string vmlinux = TRY(sha256_file(kernel.vmlinux()));
  const auto manifest = read_manifest(kernel);
  if (!manifest || !manifest->is_object()) return false;
  const auto is = [&](const char* key, const std::string& value) {
    return manifest->contains(key) && manifest->at(key) == value;
  };
  if (!is("hash", kernel.hash) || !is("vmlinux_sha256", vmlinux)) return false;
  if (is_there(kernel.bzimage()) && !is(kBzimageHash, TRY(sha256_file(kernel.bzimage())))) return false;
  if (manifest->contains("given")) return true;  // it has no sizes
  const auto sizes = sha256_file(kernel.sizes());
  return sizes && is("sizes_sha256", *sizes);
}

bool is_complete(const KernelCache& cache, const KernelSpec& spec, const Kernel& kernel) {
  if (!cache.is_built(kernel)) return false;
  if (!spec.with_bzimage) return true;
  const auto manifest = read_manifest(kernel);
  if (!manifest || !manifest->is_object() || !manifest->contains(kBzimageHash)) return false;
  return manifest->at(kBzimageHash) == "" || is_there(kernel.bzimage());
}

Result<Json> read_manifest(const Kernel& kernel) {
  const auto text = TRY(read_file(kernel.manifest()));
  auto manifest = parse_json(text);
  if (!manifest) {
    return machine_error("{} is damaged: remove its folder, and the kernel is built anew", kernel.manifest().string());
  }
  return *manifest;
}

}  // namespace nslab
