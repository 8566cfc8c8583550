// SPDX-License-Identifier: GPL-2.0
//
// Every model behaves: the conformance program runs inside a guest of each, at all depths that the model has.
#include "lab_support.h"

namespace nslab::lab {
namespace {

struct Design {
  const char* model;
  int depths;  ///< pid namespaces that it allows below the initial one
};

void PrintTo(const Design& design, std::ostream* out) { *out << design.model; }

class Conformance : public testing::TestWithParam<Design> {};

TEST_P(Conformance, ModelBehaves) {
  BootPlan plan;
  plan.kernel = GetParam().model;
  plan.seed = 1;
  plan.pid_max = 32768;
  plan.command = {"/bin/pidns_conformance", "--max-depth", std::to_string(GetParam().depths)};
  const auto ended = boot(plan, 300, {{"/bin/pidns_conformance", paths().guest / "pidns_conformance"}});
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->report.command_status, 0) << ended->report.command_output;
  EXPECT_THAT(ended->report.command_output, testing::HasSubstr("1.."));
  EXPECT_THAT(ended->report.command_output, testing::Not(testing::HasSubstr("not ok")));
  fmt::print("{}", ended->report.command_output);
}

INSTANTIATE_TEST_SUITE_P(Models, Conformance,
                         testing::Values(Design{"none", 0}, Design{"multi", 32}, Design{"multi+cache", 32},
                                         Design{"flat", 1}, Design{"flat+cache", 1}),
                         [](const auto& info) {
                           std::string name = info.param.model;
                           std::replace(name.begin(), name.end(), '+', '_');
                           return name;
                         });

}  // namespace
}  // namespace nslab::lab
