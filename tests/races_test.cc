// SPDX-License-Identifier: GPL-2.0
//
// What races: on the one vCPU of a measurement nothing does. Here processes in several pid namespaces take, find and
// free ids on 2 and on 4 vCPUs, which QEMU runs in threads of their own, on kernels that check themselves.
#include <sstream>

#include "lab_support.h"

namespace nslab::lab {
namespace {

/// How long each guest runs, in seconds of the host: NSLAB_RACES_SECONDS, or a few.
int seconds() {
  const char* const wanted = std::getenv("NSLAB_RACES_SECONDS");
  return wanted == nullptr ? 20 : std::max(1, std::atoi(wanted));
}

/// The program on a kernel, with that many vCPUs. Its own time is more than `seconds`, as the guest boots before.
Result<Boot> race(const std::string& model, const std::string& profile, int vcpus, std::vector<std::string> more = {}) {
  BootPlan plan;
  plan.kernel = model;
  plan.seed = 1;
  plan.meter = Meter::time;
  plan.pid_max = 1000;
  plan.command = {"/bin/pidns_races",    "--seconds", std::to_string(seconds()),       "--seed",
                  std::to_string(vcpus), "--depth",   std::to_string(depths_of(model))};
  plan.command.insert(plan.command.end(), more.begin(), more.end());
  return boot(plan, 300 + 4 * seconds(), {{"/bin/pidns_races", paths().guest / "pidns_races"}}, profile, 1536, vcpus);
}

void expect_well(const Result<Boot>& ended) {
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->report.command_status, 0) << ended->report.command_output;
  EXPECT_THAT(ended->report.command_output, testing::HasSubstr("operations:"));
  fmt::print("{}", ended->report.command_output);
}

class Races : public testing::TestWithParam<std::string> {};

TEST_P(Races, NothingBreaksOn4Cpus) { expect_well(race(GetParam(), "races", 4)); }

TEST_P(Races, NothingBreaksOn2CpusWhereAllocationsFail) { expect_well(race(GetParam(), "races", 2, {"--faults"})); }

INSTANTIATE_TEST_SUITE_P(Models, Races, testing::ValuesIn(models()), test_name);

}  // namespace
}  // namespace nslab::lab
