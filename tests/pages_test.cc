// SPDX-License-Identifier: GPL-2.0
//
// The pages that show how to add something are followed to the letter, with the text that stands in them.
#include <fstream>
#include <sstream>

#include "benchmarks.h"
#include "experiment.h"
#include "lab_support.h"

namespace nslab::lab {
namespace {

namespace fs = std::filesystem;

/// The text of a page's only block with this label.
std::string block(const std::string& page, const std::string& label) {
  std::istringstream lines(must(read_file(paths().root / "docs" / page)));
  std::string text;
  int found = 0;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      text += line + "\n";
    } else if (line == "```" + label) {
      inside = true;
      ++found;
    }
  }
  EXPECT_EQ(found, 1) << page << ": blocks labelled " << label;
  return text;
}

/// The first plan of the experiment for this kernel.
BootPlan plan_for(const Experiment& experiment, const Paths& where, const std::string& kernel) {
  for (BootPlan& plan : must(make_plan(experiment, must(list_benchmarks(where.guest / "micro"))))) {
    if (plan.kernel == kernel) return std::move(plan);
  }
  ADD_FAILURE() << "the experiment has no kernel " << kernel;
  return {};
}

std::vector<Sample> samples_of(const BootPlan& plan, const Kernel& kernel, const Paths& where) {
  const TempFolder work = folder();
  BootSettings settings;
  settings.plugins = paths().plugins;
  settings.kernel = kernel.vmlinux();
  settings.initramfs = must(make_image(where)).file;
  settings.folder = work.path();
  return must(run_boot(plan, settings)).report.samples;
}

void append(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::app) << text; }

TEST(AddingAModel, ThePageLeadsToAModelThatBuildsAndIsMeasured) {
  const std::string page = "adding-a-model.md";
  const TempFolder work = folder();
  Paths with_toy = paths();
  with_toy.root = work.path();
  fs::copy(paths().kernels_folder(), with_toy.kernels_folder(), fs::copy_options::recursive);
  const std::string name = block(page, "series");
  const fs::path series = with_toy.kernels_folder() / "linux-6.12";
  ASSERT_TRUE(write_file(series / name.substr(0, name.size() - 1), block(page, "diff")));
  append(series / "series", name);
  append(with_toy.kernels_folder() / "kernels.toml", block(page, "toml"));

  const KernelTable table = must(load_kernel_table(with_toy.kernels_folder()));
  KernelSpec toy{must(table.base("linux-6.12")), must(table.profile("mini")), must(table.model("shallow"))};
  EXPECT_EQ(toy.model.build_base->name, "multi");
  const KernelBuilder builder(with_toy);
  if (!all_models_wanted()) {
    // A kernel of another series shares no objects: minutes, left to `make check-models`. Here the patch applies, the
    // option is there and can be set, and what looks at it compiles.
    const TempFolder build = folder();
    const fs::path tree = must(builder.source_tree(toy.base, /*patched=*/true));
    const auto configured = builder.configure(toy, tree, build.path());
    ASSERT_TRUE(configured) << configured.error().message;
    EXPECT_EQ(run_make(tree, build.path(), {"kernel/pid_namespace.o", "kernel/fork.o"}), "");
    return;
  }
  toy.model.build_base.reset();  // nothing else of this series is built here
  const Kernel kernel = must(builder.build(toy));

  const Experiment experiment = must(parse_experiment(block(page, "experiment"), page));
  const auto samples = samples_of(plan_for(experiment, paths(), "shallow"), kernel, paths());
  ASSERT_EQ(samples.size(), 6U);
  for (const Sample& sample : samples) {
    EXPECT_EQ(sample.status, sample.depth == 5 ? CellStatus::refused : CellStatus::ok) << sample.depth;
    EXPECT_EQ(sample.refusal, sample.depth == 5 ? "ENOSPC" : "");
  }
}

TEST(AddingABenchmark, ThePageLeadsToABenchmarkThatIsListedAndMeasured) {
  const std::string page = "adding-a-benchmark.md";
  const TempFolder work = folder();
  const fs::path source = work.path() / "benches";
  fs::copy(paths().root / "benches", source, fs::copy_options::recursive);
  fs::copy(paths().root / "COPYING", work.path());  // a text for the shell benchmarks
  ASSERT_TRUE(write_file(source / "micro/toy.cc", block(page, "cpp")));
  Paths with_toy = paths();
  with_toy.guest = work.path() / "build";
  for (const std::vector<std::string>& argv :
       std::vector<std::vector<std::string>>{{"cmake", "-S", source.string(), "-B", with_toy.guest.string(), "-G",
                                              "Ninja", "-DCMAKE_CXX_STANDARD=20", "-DBUILD_TESTING=OFF"},
                                             {"cmake", "--build", with_toy.guest.string()}}) {
    const Captured built = must(run_captured({.argv = argv}));
    ASSERT_EQ(built.status, 0) << built.output;
  }

  const Experiment experiment = must(parse_experiment(block(page, "toml"), page));
  const BootPlan plan = plan_for(experiment, with_toy, "multi");
  int measured = 0;
  for (const Sample& sample : samples_of(plan, kernel("multi"), with_toy)) {
    EXPECT_EQ(sample.status, CellStatus::ok);
    if (sample.benchmark != "toy_kill_self") continue;
    ++measured;
    EXPECT_EQ(sample.iterations, 2000U);
    EXPECT_GT(sample.minimum, 100U);
  }
  EXPECT_EQ(measured, 2);
}

}  // namespace
}  // namespace nslab::lab
