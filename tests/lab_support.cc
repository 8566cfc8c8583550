// SPDX-License-Identifier: GPL-2.0
#include "lab_support.h"

#include <sys/wait.h>

#include <cstdlib>
#include <set>

#include "benchmarks.h"
#include "kernel_make.h"
#include "store.h"

namespace nslab::lab {

Paths paths() {
  static const Paths found = must(find_paths());
  return found;
}

std::string base_name() {
  const char* const wanted = std::getenv("NSLAB_TEST_BASE");
  return wanted == nullptr ? kDefaultBase : wanted;
}

KernelSpec spec(const std::string& model, const std::string& profile) {
  const KernelTable table = must(load_kernel_table(paths().kernels_folder()));
  return {must(table.base(base_name())), must(table.profile(profile)), must(table.model(model))};
}

Kernel kernel(const std::string& model, const std::string& profile) {
  return must(KernelBuilder(paths()).build(spec(model, profile)));
}

bool all_models_wanted() { return std::getenv("NSLAB_ALL_MODELS") != nullptr; }

std::vector<std::string> models() {
  // In `make check` each option's value occurs, and what the lab proposes.
  const std::set<std::string> checked = {"none",       "nons",      "multi",   "multi+cache+hash", "multi+reserve",
                                         "flat+cache", "flat+hash", "static3", "list+hash",        "window"};
  std::vector<std::string> names;
  for (const Model& model : must(load_kernel_table(paths().kernels_folder())).models) {
    // A series of its own is for the default base.
    if (!model.series.empty() && base_name() != kDefaultBase) continue;
    if (all_models_wanted() || checked.contains(model.name)) names.push_back(model.name);
  }
  return names;
}

int depths_of(const std::string& model) {
  if (model.starts_with("none") || model == "nons") return 0;
  if (model.starts_with("flat")) return 1;
  if (model.starts_with("static3")) return 2;
  return 32;
}

std::string test_name(const testing::TestParamInfo<std::string>& model) {
  std::string name = model.param;
  for (char& letter : name) {
    if (letter == '+' || letter == '-') letter = '_';
  }
  return name;
}

std::string models_profile() {
  const char* profile = std::getenv("NSLAB_TEST_PROFILE");
  return profile == nullptr ? "mini" : profile;
}

int models_vcpus() {
  const char* vcpus = std::getenv("NSLAB_TEST_VCPUS");
  return vcpus == nullptr ? 1 : std::atoi(vcpus);
}

unsigned cores() { return std::max(1U, std::thread::hardware_concurrency()); }

void behind_each_patch(const Base& base,
                       const std::function<void(const std::string& patch, const std::filesystem::path& tree)>& body) {
  const TempFolder work = folder();
  const std::filesystem::path tree = work.path() / "tree";
  const std::string source = must(KernelBuilder(paths()).source_tree(base, /*patched=*/false));
  const Captured copied = must(run_captured({.argv = {"cp", "-a", source, tree.string()}}));
  ASSERT_EQ(copied.status, 0) << copied.output;
  body("", tree);
  const std::filesystem::path series = paths().kernels_folder() / base.series;
  for (const Patch& patch : must(read_series(series))) {
    if (testing::Test::HasFatalFailure()) return;
    const Captured applied = must(run_captured(
        {.argv = {"patch", "-p1", "--batch", "--fuzz=0", "-i", (series / patch.name).string()}, .folder = tree}));
    ASSERT_EQ(applied.status, 0) << applied.output;
    body(patch.name, tree);
  }
}

std::string run_make(const std::filesystem::path& tree, const std::filesystem::path& build,
                     const std::vector<std::string>& targets) {
  std::vector<std::string> arguments = {fmt::format("-j{}", cores())};
  arguments.insert(arguments.end(), targets.begin(), targets.end());
  const Captured made = must(run_captured(kernel_make(tree, build, arguments)));
  return made.status == 0 ? "" : made.output;
}

TempFolder folder() { return must(TempFolder::make(testing::TempDir(), "nslab-test")); }

Command nslab_command(const std::vector<std::string>& arguments) {
  Command command;
  command.argv = {NSLAB_PROGRAM};
  command.inherits_environment = true;  // the cache is where the caller says
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

Captured nslab(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment) {
  Command command = nslab_command(arguments);
  command.environment = environment;
  return must(run_captured(command));
}

std::vector<Sample> measure(const std::filesystem::path& results, const std::string& experiment,
                            const std::vector<std::string>& more) {
  const std::string config = results.string() + ".toml";
  EXPECT_TRUE(write_file(config, experiment));
  std::vector<std::string> arguments = {"run", config, "--force-profile", "--results", results.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Captured ended = nslab(arguments);
  EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  Store store = must(Store::open_existing(results.string()));
  return must(store.samples(must(store.run(std::nullopt)).id));
}

void expect_equal(const std::vector<Sample>& samples, const std::vector<Sample>& again) {
  ASSERT_EQ(again.size(), samples.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i], samples[i]) << again[i].kernel << " depth " << again[i].depth << " " << again[i].benchmark
                                    << " seed " << again[i].seed << ": sums " << again[i].sum << " and "
                                    << samples[i].sum;
  }
}

BootPlan first_boot(const std::string& experiment) {
  const Experiment parsed = must(parse_experiment(experiment, "test"));
  return must(make_plan(parsed, must(list_benchmarks(paths().guest / "micro")))).front();
}

Result<Boot> boot(const BootPlan& plan, double wall_limit_seconds,
                  const std::map<std::string, std::filesystem::path>& more, const std::string& profile, int memory_mib,
                  int vcpus, const std::filesystem::path& plugins) {
  const TempFolder work = folder();
  BootSettings settings;
  settings.kernel = kernel(plan.kernel, profile).vmlinux();
  settings.initramfs = must(make_image(paths(), more)).file;
  settings.memory_mib = memory_mib;
  settings.vcpus = vcpus;
  BootPlan on_vcpus = plan;
  if (vcpus > 1) {
    settings.accelerator = Accelerator::tcg;
    on_vcpus.meter = Meter::time;
  }
  settings.wall_limit_seconds = wall_limit_seconds;
  settings.folder = work.path();
  settings.plugins = plugins;
  return run_boot(on_vcpus, settings);
}

Load::Load() {
  for (unsigned i = 0; i < cores(); ++i) {
    spinners_.push_back(must(Process::start({.argv = {"sh", "-c", "while :; do :; done"}})));
  }
}

}  // namespace nslab::lab
