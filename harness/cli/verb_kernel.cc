// SPDX-License-Identifier: GPL-2.0
#include <memory>

#include "kernel_build.h"
#include "verbs.h"

namespace nslab {

namespace {

Result<void> list() {
  const auto paths = TRY(find_paths());
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  const KernelBuilder builder(paths);
  for (const Base& base : table.bases) fmt::print("base {}: {}\n", base.name, base.description);
  for (const Profile& profile : table.profiles) {
    fmt::print("profile {}: {}{}\n", profile.name, profile.description,
               profile.measurable ? "" : "; not for measurement");
  }
  fmt::print("\n{:<18} {:<8} {:<17} {:<6} {}\n", "model", "profile", "hash", "built", "what");
  for (const Base& base : table.bases) {
    for (const Profile& profile : table.profiles) {
      for (const Model& model : table.models) {
        const KernelSpec spec{base, profile, model};
        const auto hash = TRY(builder.hash(spec));
        fmt::print("{:<18} {:<8} {:<17} {:<6} {}\n", model.name, profile.name, hash.substr(0, 16),
                   builder.is_built(builder.cached(spec, hash)) ? "yes" : "no", model.description);
      }
    }
  }
  return {};
}

struct BuildArguments {
  std::vector<std::string> models;
  std::string profile = "lean";
  std::string base = "linux-6.12";
  std::string source;
  bool from_scratch = false;
  int jobs = 0;
};

Result<void> build(const BuildArguments& arguments) {
  const auto paths = TRY(find_paths());
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  auto base = TRY(table.base(arguments.base));
  if (!arguments.source.empty()) base.source = arguments.source;
  const auto profile = TRY(table.profile(arguments.profile));
  const KernelBuilder builder(paths);
  std::vector<KernelSpec> specs;
  for (const std::string& name : arguments.models) {
    auto model = TRY(table.model(name));
    if (arguments.from_scratch) model.kin.reset();
    specs.push_back({base, profile, model});
  }
  for (const KernelSpec& spec : specs) {
    const auto kernel = TRY(builder.build(spec, arguments.jobs));
    fmt::print("{} {} {}\n", kernel.name, kernel.hash.substr(0, 16), kernel.vmlinux().string());
  }
  return {};
}

}  // namespace

void declare_kernel(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("kernel", "models, profiles and bases; building");
  verb->require_subcommand(1);
  verb->add_subcommand("list", "what there is, and what of it is built")->callback([&action] { action = list; });

  auto arguments = std::make_shared<BuildArguments>();
  CLI::App* build_verb = verb->add_subcommand("build", "build kernels into the cache");
  build_verb->add_option("MODEL", arguments->models, "models, as in 'kernel list'")->required();
  build_verb->add_option("--profile", arguments->profile, "the profile")->capture_default_str();
  build_verb->add_option("--base", arguments->base, "the base")->capture_default_str();
  build_verb->add_option("--source", arguments->source, "another tarball or tree of the base");
  build_verb->add_flag("--from-scratch", arguments->from_scratch, "compile every file, start with no other's objects");
  build_verb->add_option("--jobs,-j", arguments->jobs, "compilations at once (default: as many as cores)")
      ->check(CLI::Range(1, 1024));
  build_verb->callback([arguments, &action] { action = [arguments] { return build(*arguments); }; });
  declare_kernel_size(*verb, action);
}

}  // namespace nslab
