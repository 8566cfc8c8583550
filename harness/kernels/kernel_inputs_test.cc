// SPDX-License-Identifier: GPL-2.0
#include "kernel_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "files.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

KernelInputs example() {
  return {.source_hash = "5a",
          .patches = {{"1.patch", "one"}, {"2.patch", "two"}},
          .start = "debian",
          .debian_config_hash = "dc",
          .fragment = "CONFIG_SMP=y\n",
          .model = "CONFIG_PID_NS=y\n",
          .compiler = "gcc 12",
          .linker = "ld 2.40"};
}

// Kernels are minutes of work, kept by their hash: a change of the code that changes this literal throws all away. When
// a kernel's bits change with the code, kRecipe is raised, and this literal with it.
TEST(KernelInputs, TheHashStaysFromVersionToVersion) {
  EXPECT_EQ(example().family(), "e4a6491989220f540c0ff2f9715fa73febf31468850ed949adcba2e74178eb1f");
  EXPECT_EQ(example().hash(), "e7c3b77975d28f1a123a13d30d207970850d4e3caa973748cfd90b0fa5ec2cf6");
}

TEST(KernelInputs, EveryInputCountsAndANameDoesNot) {
  std::set<std::string> hashes = {example().hash()};
  const auto with = [&](auto change) {
    KernelInputs inputs = example();
    change(inputs);
    return hashes.insert(inputs.hash()).second;
  };
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.source_hash = "5b"; }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.patches[0].content = "One"; }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.patches.pop_back(); }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { std::swap(inputs.patches[0], inputs.patches[1]); }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.start = "tiny"; }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.debian_config_hash = "dd"; }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.fragment += "CONFIG_VT=y\n"; }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.model += "CONFIG_VT=y\n"; }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.compiler = "gcc 13"; }));
  EXPECT_TRUE(with([](KernelInputs& inputs) { inputs.linker = "ld 2.41"; }));
  EXPECT_FALSE(with([](KernelInputs& inputs) { inputs.patches[0].name = "0001.patch"; }));
}

TEST(KernelInputs, AFamilyDiffersOnlyInTheModel) {
  KernelInputs other = example();
  other.model = "CONFIG_PID_NS=n\n";
  EXPECT_EQ(other.family(), example().family());
  other.fragment = "";
  EXPECT_NE(other.family(), example().family());
}

TEST(KernelInputs, OfAFragmentItsSettingsCountAndItsCommentsDoNot) {
  const TempFolder folder = *TempFolder::make(testing::TempDir(), "kernel-inputs-test");
  const auto write = [&](const char* name, const std::string& text) {
    ASSERT_TRUE(write_file(folder.path() / name, text));
  };
  fs::create_directories(folder.path() / "series-of-none");
  write("series-of-none/series", "");
  write("source", "a tarball");
  write("mini.config", "# why\nCONFIG_SMP=y\n");
  write("debug.config", "# CONFIG_VT is not set\n");
  KernelSpec spec;
  spec.base = {.name = "b",
               .description = "",
               .source = folder.path() / "source",
               .debian_config = folder.path() / "none.xz",
               .series = "series-of-none"};
  spec.profile.start = "tiny";
  spec.profile.fragments = {"mini.config", "debug.config"};
  spec.model.config = {"CONFIG_PID_NS=y"};
  const KernelCache cache(folder.path() / "cache");

  const auto inputs = read_inputs(spec, folder.path(), cache);
  ASSERT_TRUE(inputs) << inputs.error().message;
  EXPECT_EQ(inputs->fragment, "CONFIG_SMP=y\n# CONFIG_VT is not set\n");
  EXPECT_EQ(inputs->model, "CONFIG_PID_NS=y\n");
  EXPECT_EQ(inputs->debian_config_hash, "");
  EXPECT_THAT(inputs->compiler, testing::StartsWith("gcc "));

  write("mini.config", "# another reason\n\nCONFIG_SMP=y\n");
  EXPECT_EQ(read_inputs(spec, folder.path(), cache)->hash(), inputs->hash());
  write("mini.config", "CONFIG_SMP=y\nCONFIG_NR_CPUS=2\n");
  EXPECT_NE(read_inputs(spec, folder.path(), cache)->hash(), inputs->hash());

  spec.profile.start = "debian";
  spec.base.name = "linux-6.12";
  const auto missing = read_inputs(spec, folder.path(), cache);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit, Exit::machine);
  EXPECT_THAT(missing.error().message, HasSubstr("apt-get install linux-config-6.12"));
}

}  // namespace
}  // namespace nslab
