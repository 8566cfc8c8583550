// SPDX-License-Identifier: GPL-2.0
//
// Every model behaves: the conformance program runs inside a guest of each, at all depths that the model has.
#include <cstdlib>

#include "lab_support.h"

namespace nslab::lab {
namespace {

/// Pid namespaces that a model allows below the initial one, by its structure.
int depths_of(const std::string& model) {
  if (model == "none" || model == "nons") return 0;
  if (model.starts_with("flat")) return 1;
  if (model.starts_with("static3")) return 2;
  return 32;
}

/// A set in which every option's value occurs or, for `make check-models`, every model there is.
std::vector<std::string> models() {
  if (std::getenv("NSLAB_ALL_MODELS") == nullptr)
    return {"none", "nons", "multi", "multi+cache+hash", "flat+cache", "flat+hash", "static3", "list+hash"};
  std::vector<std::string> names;
  for (const Model& model : must(load_kernel_table(paths().kernels_folder())).models) names.push_back(model.name);
  return names;
}

class Conformance : public testing::TestWithParam<std::string> {};

TEST_P(Conformance, ModelBehaves) {
  BootPlan plan;
  plan.kernel = GetParam();
  plan.seed = 1;
  plan.pid_max = 32768;
  plan.command = {"/bin/pidns_conformance", "--max-depth", std::to_string(depths_of(GetParam()))};
  const char* profile = std::getenv("NSLAB_TEST_PROFILE");
  const auto ended = boot(plan, profile ? 1800 : 300, {{"/bin/pidns_conformance", paths().guest / "pidns_conformance"}},
                          profile ? profile : "mini");
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->report.command_status, 0) << ended->report.command_output;
  EXPECT_THAT(ended->report.command_output, testing::HasSubstr("1.."));
  EXPECT_THAT(ended->report.command_output, testing::Not(testing::HasSubstr("not ok")));
  fmt::print("{}", ended->report.command_output);
}

INSTANTIATE_TEST_SUITE_P(Models, Conformance, testing::ValuesIn(models()), [](const auto& info) {
  std::string name = info.param;
  for (char& letter : name) {
    if (letter == '+' || letter == '-') letter = '_';
  }
  return name;
});

}  // namespace
}  // namespace nslab::lab
