// SPDX-License-Identifier: GPL-2.0
//
// The pages that show how to add something are followed to the letter, with the text that stands in them.
#include <fstream>
#include <sstream>

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
  EXPECT_EQ(toy.model.kin->name, "multi");
  toy.model.kin.reset();  // of this series nothing else is built here
  const Kernel kernel = must(KernelBuilder(with_toy).build(toy));

  const Experiment experiment = must(parse_experiment(block(page, "experiment"), page));
  bool measured = false;
  for (const BootPlan& plan : must(make_plan(experiment, must(list_benchmarks(paths().guest / "micro"))))) {
    if (plan.kernel != "shallow") continue;
    BootSettings settings;
    settings.vmlinux = kernel.vmlinux();
    settings.initramfs = must(make_image(paths())).file;
    const TempFolder boot_folder = folder();
    settings.folder = boot_folder.path();
    const Boot boot = must(run_boot(plan, settings));
    for (const Sample& sample : boot.report.samples) {
      EXPECT_EQ(sample.status, sample.depth == 5 ? CellStatus::refused : CellStatus::ok) << sample.depth;
      EXPECT_EQ(sample.refusal, sample.depth == 5 ? "ENOSPC" : "");
      measured |= sample.status == CellStatus::ok;
    }
  }
  EXPECT_TRUE(measured);
}

}  // namespace
}  // namespace nslab::lab
