// SPDX-License-Identifier: GPL-2.0
//
// Every model passes the kernel's own selftests about pids as mainline does, or differs as tests/selftests.toml says.
#include "selftests.h"

#include "lab_support.h"

namespace nslab::lab {
namespace {

// Guest seconds. Idle ones cost nothing; the longest test waits 30 s for what does not come.
constexpr const char* kLimit = "120";

class Selftests : public testing::TestWithParam<std::string> {};

TEST_P(Selftests, AsListed) {
  const std::string model = GetParam();
  const std::string profile = models_profile();
  const SelftestList list = must(parse_selftests(must(read_file(NSLAB_SELFTESTS)), NSLAB_SELFTESTS));
  const auto built = must(build_selftests(paths(), spec(model, profile).base, list));
  const Tested tested = {model, depths_of(model), base_name()};

  BootPlan plan;
  plan.kernel = model;
  plan.seed = 1;
  // Some 900 forks bring a pid back, instead of 32,000: one of the tests waits for it.
  plan.pid_max = 1200;
  plan.command = {"/bin/run_selftests", "/selftests", std::to_string(tested.max_depth()), kLimit};
  // ptrace/vmaccess execs true and sleep, and races with its own child where there are none. They load the C library
  // alone, which is there.
  std::map<std::string, std::filesystem::path> files = {{"/bin/run_selftests", paths().guest / "run_selftests"},
                                                        {"/bin/sleep", "/bin/sleep"},
                                                        {"/bin/true", "/bin/true"}};
  std::vector<Outcome> outcomes;
  for (const SelftestFolder& folder : list.folders) {
    for (const std::string& program : folder.programs) {
      const std::string command = folder.name + "/" + program;
      const std::string file = command.substr(0, command.find(' '));
      if (exists(built / file)) {
        plan.command.push_back(command);
        files["/selftests/" + file] = built / file;
      } else {
        for (int depth = 0; depth <= tested.max_depth(); ++depth)
          outcomes.push_back({"skip", depth, command, "", "does not build: " + (built / "build.log").string()});
      }
    }
  }

  const auto ended =
      boot(plan, profile == "mini" ? 900 : 3600, files, profile, BootSettings{}.memory_mib, models_vcpus());
  ASSERT_TRUE(ended) << ended.error().message;
  ASSERT_EQ(ended->report.command_status, 0) << ended->report.command_output;
  const auto ran = parse_outcomes(ended->report.command_output);
  ASSERT_TRUE(ran) << ran.error().message << "\n" << ended->report.command_output;
  outcomes.insert(outcomes.end(), ran->begin(), ran->end());
  fmt::print("{}", table_of(outcomes, list, tested));
  EXPECT_THAT(judge(outcomes, list, tested), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Models, Selftests, testing::ValuesIn(models()), test_name);

}  // namespace
}  // namespace nslab::lab
