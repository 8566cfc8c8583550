// SPDX-License-Identifier: GPL-2.0
#include "files.h"
#include "kernel_build.h"
#include "output.h"
#include "verb.h"

namespace nslab::verb_kernel {

namespace {

Result<void> list() {
  const auto paths = TRY(find_paths());
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  const KernelBuilder builder(paths);
  for (const Base& base : table.bases) print_out("base {}: {}\n", base.name, base.description);
  for (const Profile& profile : table.profiles) {
    print_out("profile {}: {}{}\n", profile.name, profile.description,
              profile.measurable ? "" : "; not for measurement");
  }
  for (const Base& base : table.bases) {
    if (!is_there(base.source)) continue;  // 'nslab doctor' says how to get it
    print_out("\n{:<20} {:<8} {:<17} {:<6} {}\n", base.name, "profile", "hash", "built", "what");
    for (const Profile& profile : table.profiles) {
      for (const Model& model : table.models) {
        if (!model.is_for(base)) continue;
        const KernelSpec spec{base, profile, model};
        const auto hash = TRY(builder.hash(spec));
        print_out("{:<20} {:<8} {:<17} {:<6} {}\n", model.name, profile.name, hash.substr(0, 16),
                  builder.is_built(spec, builder.cached(spec, hash)) ? "yes" : "no", model.description);
      }
    }
  }
  return {};
}

struct BuildArguments {
  std::vector<std::string> models;
  std::string profile = "lean";
  std::string base = kDefaultBase;
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
    specs.push_back(TRY(builder.spec(table, base, profile, name)));
    if (arguments.from_scratch) specs.back().model.build_base.reset();
  }
  for (const KernelSpec& spec : specs) {
    const auto kernel = TRY(builder.build(spec, arguments.jobs));
    print_out("{} {} {}\n", kernel.name, kernel.hash.substr(0, 16), kernel.vmlinux().string());
  }
  return {};
}

const RegisterVerb group(
    {.name = "kernel", .help = "list, build and size kernels", .examples = "", .declare = nullptr});

const RegisterVerb registered_list({
    .name = "kernel list",
    .help = "list models, profiles and bases, and say which kernels are built",
    .examples = "  nslab kernel list | grep lean             the kernels for measurement",
    .declare = [](Arguments&) -> Action { return list; },
});

const RegisterVerb registered_build({
    .name = "kernel build",
    .help = "build kernels into the cache",
    .examples = "  nslab kernel build multi flat+cache       two kernels of profile lean\n"
                "  nslab kernel build multi --source ~/linux-6.12   from a tree of your own, as it is now",
    .declare = verb_body<BuildArguments>(
        [](Arguments& arguments, BuildArguments& values) {
          arguments.positional(
              "MODEL", values.models,
              "the models, as 'nslab kernel list' shows them; or debian:VERSION, image:FILE, tree:DIR@REV", "KERNEL");
          arguments.option("--profile", values.profile, "the profile: how the rest of the kernel is configured",
                           "PROFILE");
          arguments.option("--base", values.base, "the base: the unmodified source", "BASE");
          arguments.option("--source", values.source, "another tarball or tree of that base", "FILE");
          arguments.flag("--from-scratch", values.from_scratch,
                         "compile every file; do not start with the build base's objects");
          arguments.option("--jobs,-j", values.jobs, 1, 1024, "compilations at once (default: as many as cores)");
        },
        build),
});

}  // namespace
}  // namespace nslab::verb_kernel
