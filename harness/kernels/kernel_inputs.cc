// SPDX-License-Identifier: GPL-2.0
#include "kernel_inputs.h"

#include "files.h"
#include "hash.h"
#include "kernel_config.h"
#include "processes.h"

namespace nslab {

namespace {

// It is part of every kernel's hash. Raise it when a change to the way kernels are configured and compiled changes what
// comes out.
constexpr int kRecipe = 2;

}  // namespace

std::string KernelInputs::family() const {
  Hasher hasher;
  hasher.part("recipe", std::to_string(kRecipe)).part("source", source_hash);
  for (const Patch& patch : patches) hasher.part("patch", patch.content);
  hasher.part("start", start).part("debian", debian_config_hash).part("fragment", fragment);
  hasher.part("compiler", compiler).part("linker", linker);
  return hasher.hex();
}

std::string KernelInputs::hash() const { return Hasher().part("family", family()).part("model", model).hex(); }

Result<KernelInputs> read_configuration(const Base& base, const Profile& profile,
                                        const std::filesystem::path& kernels_folder) {
  KernelInputs inputs;
  inputs.start = profile.start;
  if (profile.start == "debian") {
    const auto hash = sha256_file(base.debian_config);
    if (!hash) {
      return machine_error("there is no {}: apt-get install linux-config-{}", base.debian_config.string(),
                           base.version());
    }
    inputs.debian_config_hash = *hash;
  }
  std::vector<std::string> fragments = profile.fragments;
  if (profile.start == "tiny" && !base.tiny_fragment.empty()) fragments.push_back(base.tiny_fragment);
  for (const std::string& name : fragments) {
    for (const std::string& setting : settings_of(TRY(read_file(kernels_folder / name))))
      inputs.fragment += setting + "\n";
  }
  inputs.compiler = profile.llvm ? TRY(tool_version("clang", "clang")) : TRY(tool_version("gcc", "gcc"));
  inputs.linker = profile.llvm ? TRY(tool_version("ld.lld", "lld")) : TRY(tool_version("ld", "binutils"));
  if (profile.llvm) TRY(tool_version("llvm-objcopy", "llvm"));
  return inputs;
}

Result<KernelInputs> read_inputs(const KernelSpec& spec, const std::filesystem::path& kernels_folder,
                                 const KernelCache& cache) {
  const auto source_hash = TRY(cache.source_hash(spec.base.source));
  const auto patches = TRY(read_series(kernels_folder / spec.base.series));
  KernelInputs inputs = TRY(read_configuration(spec.base, spec.profile, kernels_folder));
  inputs.source_hash = source_hash;
  inputs.patches = patches;
  for (const std::string& setting : spec.model.config) inputs.model += setting + "\n";
  return inputs;
}

}  // namespace nslab
