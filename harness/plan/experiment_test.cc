// SPDX-License-Identifier: GPL-2.0
#include "experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

constexpr const char* kMeasure = "[[measure]]\nkernels = [\"multi\"]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n";

std::string error_of(const std::string& text) {
  const auto parsed = parse_experiment(text, "x.toml");
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().exit, Exit::user);
  return parsed.error().message;
}

TEST(Experiment, DefaultsAndOrderOfKernels) {
  const auto parsed =
      parse_experiment(std::string("name = \"a\"\n") + kMeasure +
                           "[[measure]]\nkernels = [\"flat\", \"multi\"]\ndepths = [1, 0]\nbenchmarks = [\"gettid\"]\n",
                       "x.toml");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->meter, Meter::instructions);
  EXPECT_EQ(parsed->profile, "lean");
  EXPECT_EQ(parsed->boots, 10U);
  EXPECT_THAT(parsed->kernels(), testing::ElementsAre("multi", "flat"));
  EXPECT_THAT(parsed->measures[1].depths, testing::ElementsAre(1, 0));
  EXPECT_EQ(parsed->where_named("multi"), "x.toml:2");
  EXPECT_EQ(parsed->where_named("flat"), "x.toml:6");
}

// Each line: what is wrong, and what the user is told. File and line come first.
TEST(Experiment, MistakesAreToldWithFileAndLine) {
  const std::string name = "name = \"a\"\n";
  const std::pair<std::string, std::string> mistakes[] = {
      {kMeasure, "x.toml:1: 'name' is missing"},
      {"name = 3\n" + std::string(kMeasure), "x.toml:1: 'name' must be a string"},
      {"name = \"A b\"\n" + std::string(kMeasure),
       "x.toml:1: 'name' must be lower-case letters, digits, - and _, at most 100: it names a folder"},
      {"name = \"../a\"\n" + std::string(kMeasure),
       "x.toml:1: 'name' must be lower-case letters, digits, - and _, at most 100: it names a folder"},
      {"name = \"" + std::string(101, 'a') + "\"\n" + kMeasure,
       "x.toml:1: 'name' must be lower-case letters, digits, - and _, at most 100: it names a folder"},
      {name + "[[measure]]\nkernel = [\"multi\"]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n",
       "x.toml:3: unknown key 'kernel'; known here: benchmarks, cgroup, conditions, depths, ids, "
       "ids_next, kernels, repetitions, residents"},
      {name + "boot = 3\n" + kMeasure,
       "x.toml:2: unknown key 'boot'; known here: attribution, base, boots, builds, cgroup, conditions, first_seed, "
       "ids, "
       "ids_next, isolation, limit_seconds, margin_percent, measure, memory_accesses, memory_mib, meter, name, "
       "pid_max, "
       "profile, reference, residents, statistic, vcpus, wall_limit_seconds"},
      {name + "boots = \"3\"\n" + kMeasure, "x.toml:2: 'boots' must be a whole number"},
      {name + "boots = 3.0\n" + kMeasure, "x.toml:2: 'boots' must be a whole number"},
      {name + "boots = 0\n" + kMeasure, "x.toml:2: 'boots' is 0, it must be from 1 to 10000"},
      {name + "meter = \"cycles\"\n" + kMeasure,
       "x.toml:2: 'meter' is 'cycles', it must be \"instructions\" or \"time\""},
      {name + "statistic = \"mode\"\n" + kMeasure,
       "x.toml:2: 'statistic' is 'mode', it must be \"mean\", \"minimum\" or \"median\""},
      {name + "limit_seconds = 3\n" + kMeasure,
       "x.toml:2: 'limit_seconds' must be even: the watchdog counts in steps of 2 s"},
      {name + "meter = \"time\"\nattribution = true\n" + kMeasure,
       "x.toml:3: 'attribution' counts instructions: it needs meter = \"instructions\""},
      {name + "memory_accesses = true\n" + kMeasure, "x.toml:2: 'memory_accesses' needs attribution = true"},
      {name + "isolation = \"cell\"\n" + kMeasure, "x.toml:2: 'isolation' is 'cell', it must be \"none\" or \"boot\""},
      {name + "vcpus = 2\n" + kMeasure,
       "x.toml:2: 'vcpus' above 1 needs meter = \"time\": the instructions meter has one vCPU only, as QEMU's icount "
       "executes one CPU at a time, and a lock for which another CPU waits costs nothing there"},
      {name + "meter = \"time\"\nvcpus = 0\n" + kMeasure, "x.toml:3: 'vcpus' is 0, it must be from 1 to 64"},
      {name + "meter = \"time\"\nisolation = \"boot\"\n" + kMeasure,
       "x.toml:3: 'isolation' needs the saved state of a guest, which meter = \"instructions\" has"},
      {name + "reference = \"flat\"\n" + kMeasure, "x.toml:2: 'reference' is 'flat', which no [[measure]] names"},
      {name, "x.toml:1: there is no [[measure]] table: nothing would be measured"},
      {name + "measure = 3\n", "x.toml:2: 'measure' must be tables, each under [[measure]]"},
      {name + "[[measure]]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n", "x.toml:2: 'kernels' names no kernel"},
      {name + "[[measure]]\nkernels = [\"multi\"]\ndepths = [33]\nbenchmarks = [\"getpid\"]\n",
       "x.toml:4: 'depths' holds 33, it must be from 0 to 32"},
      {name + "[[measure]]\nkernels = [\"multi\"]\ndepths = [0, 0]\nbenchmarks = [\"getpid\"]\n",
       "x.toml:4: 'depths' holds a depth twice"},
      {name + "[[measure]]\nkernels = [\"multi\", 1]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n",
       "x.toml:3: 'kernels' must hold strings only"},
      {name + kMeasure + "depth = 1\n",
       "x.toml:6: unknown key 'depth'; known here: benchmarks, cgroup, conditions, depths, ids, "
       "ids_next, kernels, repetitions, residents"},
  };
  for (const auto& [text, told] : mistakes) EXPECT_EQ(error_of(text), told);
}

std::vector<std::string> names_of(const std::vector<Condition>& conditions) {
  std::vector<std::string> names;
  for (const Condition& condition : conditions) names.push_back(name_of(condition));
  return names;
}

TEST(Experiment, ConditionsAreThoseOfTheExperimentOrOfTheMeasure) {
  const auto parsed = parse_experiment(
      "name = \"a\"\nisolation = \"boot\"\nconditions = [\"host\", \"quiet\"]\n" + std::string(kMeasure) + kMeasure +
          "ids = \"aged\"\nids_next = 5000\nresidents = 3\n" + kMeasure + "conditions = [\"container\", \"quiet\"]\n",
      "x.toml");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(names_of(parsed->measures[0].conditions), testing::ElementsAre("host", "quiet"));
  EXPECT_THAT(names_of(parsed->measures[1].conditions), testing::ElementsAre("aged=5000+residents=3"));
  EXPECT_THAT(names_of(parsed->measures[2].conditions), testing::ElementsAre("container", "quiet"));
  EXPECT_THAT(names_of(parsed->conditions()),
              testing::ElementsAre("host", "quiet", "aged=5000+residents=3", "container"));
  EXPECT_EQ(parsed->pid_max_of(kQuiet), 4096);
  EXPECT_EQ(parsed->pid_max_of(kHost), 4'194'304);
  const auto none = parse_experiment("name = \"a\"\n" + std::string(kMeasure), "x.toml");
  EXPECT_THAT(names_of(none->conditions()), testing::ElementsAre("quiet"));
}

TEST(Experiment, MistakesInConditionsAreToldWithFileAndLine) {
  const std::string apart = "name = \"a\"\nisolation = \"boot\"\n";
  const std::pair<std::string, std::string> mistakes[] = {
      {apart + "ids = \"old\"\n" + kMeasure, "x.toml:3: 'ids' is 'old', it must be \"fresh\" or \"aged\""},
      {apart + "cgroup = \"\"\n" + kMeasure, "x.toml:3: 'cgroup' is '', it must be \"root\" or \"container\""},
      {apart + "ids_next = 9000\n" + kMeasure, "x.toml:3: 'ids_next' needs ids = \"aged\""},
      {apart + "residents = 1001\n" + kMeasure, "x.toml:3: 'residents' is 1001, it must be from 0 to 1000"},
      {apart + "conditions = []\n" + kMeasure, "x.toml:3: 'conditions' names no condition"},
      {apart + "conditions = [\"host\", \"aged+residents=8+container\"]\n" + kMeasure,
       "x.toml:3: 'conditions' names a condition twice"},
      {apart + "conditions = [\"host\"]\nresidents = 2\n" + kMeasure,
       "x.toml:3: 'conditions' names whole conditions: it does not go with 'ids', 'residents', 'cgroup'"},
      {apart + kMeasure + "conditions = [\"busy\"]\n",
       "x.toml:7: there is no condition 'busy': it is 'quiet', 'host', or some of 'aged' ('aged=1024' to '=4000000'), "
       "'residents=1' to '=1000' and 'container', joined by '+'"},
      {"name = \"a\"\n" + std::string(kMeasure) + "ids = \"aged\"\n",
       "x.toml:2: the condition 'aged' moves ids that do not come back: it needs isolation = \"boot\", a guest for "
       "each "
       "cell"},
      {apart + "pid_max = 32768\n" + kMeasure + "ids = \"aged\"\n",
       "x.toml:4: the condition 'aged' needs a pid_max of 301024 or more, the experiment has 32768"},
  };
  for (const auto& [text, told] : mistakes) EXPECT_EQ(error_of(text), told);
}

TEST(Experiment, SyntaxErrorsAreToldWithFileAndLine) {
  EXPECT_THAT(error_of("name = \"a\"\nboots = = 3\n"), testing::StartsWith("x.toml:2: "));
  EXPECT_THAT(error_of("name = \"a"), testing::StartsWith("x.toml:1: "));
  EXPECT_THAT(error_of(std::string("name = \"\0\"", 10)), testing::StartsWith("x.toml:1: "));
}

TEST(Experiment, SeveralBuildsOfAModelAreKernels) {
  const std::string text =
      "name = \"x\"\nmeter = \"time\"\nbuilds = 3\nreference = \"multi\"\n[[measure]]\nkernels = [\"multi\", "
      "\"flat\"]\n"
      "depths = [0]\nbenchmarks = [\"getpid\"]\n";
  const auto experiment = parse_experiment(text, "x.toml");
  ASSERT_TRUE(experiment) << experiment.error().message;
  EXPECT_EQ(experiment->kernels(),
            (std::vector<std::string>{"multi", "multi~1", "multi~2", "flat", "flat~1", "flat~2"}));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return parse_experiment(changed, "x.toml").error().message;
  };
  EXPECT_THAT(with("meter = \"time\"", ""), testing::HasSubstr("'builds' is for meter = \"time\""));
  EXPECT_THAT(with("\"flat\"", "\"debian:6.12\""), testing::HasSubstr("'debian:6.12' is none"));
  EXPECT_THAT(with("\"flat\"", "\"flat~1\""), testing::HasSubstr("'flat~1' is none"));
  EXPECT_THAT(with("builds = 3", "builds = 0"), testing::HasSubstr("builds"));
}

TEST(Experiment, MissingFileIsNamed) {
  const auto loaded = load_experiment("/nowhere/x.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().exit, Exit::user);
  EXPECT_EQ(loaded.error().message, "cannot read /nowhere/x.toml: No such file or directory");
}

TEST(Experiment, AKeyOfTooManyPartsIsRefused) {
  std::string key = "a";
  for (int i = 0; i < 300'000; ++i) key += ".a";
  for (const std::string& text : {key + " = 1\n", "[" + key + "]\n", "[[" + key + "]]\n", "b = {" + key + " = 1}\n"}) {
    const auto experiment = parse_experiment("name = \"x\"\n" + text, "deep.toml");
    ASSERT_FALSE(experiment);
    EXPECT_EQ(experiment.error().exit, Exit::user);
    EXPECT_EQ(experiment.error().message,
              "deep.toml:2: the file has more than 5000 dots: no key may have that many parts");
  }
}

}  // namespace
}  // namespace nslab
