// SPDX-License-Identifier: GPL-2.0
//
// Every model behaves: the conformance program runs inside a guest of each, at all depths that the model has.
#include <cstdlib>
#include <sstream>

#include "lab_support.h"

namespace nslab::lab {
namespace {

/// What GoogleTest says in the guest, set apart from what it says here.
std::string indented(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) result += "  " + line + "\n";
  return result;
}

/// A bitmap's pages stay when the ids in them are free again, 127 of them for 4 million ids less those of the first
/// page; the nodes of an id tree go.
void expect_memory_of_a_cycle(const std::string& model, const std::string& output) {
  const std::string_view said = "keeps ";
  const std::size_t at = output.find(said);
  ASSERT_NE(at, std::string::npos) << output;
  const long kib = std::stol(output.substr(at + said.size()));
  const long expected = model.find("+hash") == std::string::npos ? 0 : 127 * 4;
  EXPECT_LE(std::abs(kib - expected), 64) << output;
}

void expect_to_behave(const std::string& model, int vcpus) {
  BootPlan plan;
  plan.kernel = model;
  plan.seed = 1;
  plan.pid_max = 32768;
  plan.command = {"/bin/pidns_conformance", "--max-depth", std::to_string(depths_of(model))};
  const std::string profile = models_profile();
  const bool plain = profile == "mini";
  // 32,768 processes live at a time: some 25 KiB each, twice that under KASAN and its like.
  const auto ended = boot(plan, plain ? 300 : 1800, {{"/bin/pidns_conformance", paths().guest / "pidns_conformance"}},
                          profile, plain ? 1536 : 3072, vcpus);
  ASSERT_TRUE(ended) << ended.error().message;
  const std::string output = indented(ended->report.command_output);
  EXPECT_EQ(ended->report.command_status, 0) << output;
  EXPECT_THAT(output, testing::HasSubstr("[  PASSED  ]"));
  fmt::print("{}", output);
  if (plain && depths_of(model) > 0) expect_memory_of_a_cycle(model, output);
}

class Conformance : public testing::TestWithParam<std::string> {};

TEST_P(Conformance, ModelBehaves) { expect_to_behave(GetParam(), models_vcpus()); }

INSTANTIATE_TEST_SUITE_P(Models, Conformance, testing::ValuesIn(models()), test_name);

TEST(ConformanceOnTwoCpus, ModelBehaves) {
  if (all_models_wanted()) GTEST_SKIP() << "make check-models runs it on every model, with NSLAB_TEST_VCPUS";
  expect_to_behave("multi+reserve", 2);
}

}  // namespace
}  // namespace nslab::lab
