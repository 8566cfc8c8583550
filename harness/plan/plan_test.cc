// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace nslab {
namespace {

const std::vector<Benchmark> kKnown = {{"fork_exit_wait", "lifecycle", "", 400, 100},
                                       {"getpid", "identity", "", 2000, 200}};

Experiment experiment() {
  const auto parsed = parse_experiment(R"(
name = "t"
boots = 3
first_seed = 5
[[measure]]
kernels = ["none"]
depths = [0]
benchmarks = ["getpid", "fork_exit_wait"]
[[measure]]
kernels = ["multi", "flat"]
depths = [0, 1, 2]
benchmarks = ["getpid", "fork_exit_wait"]
)",
                                       "t.toml");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return *parsed;
}

std::vector<BootPlan> plan_of(const Experiment& experiment) {
  auto plan = make_plan(experiment, kKnown);
  EXPECT_TRUE(plan) << plan.error().message;
  return *plan;
}

TEST(Plan, OneBootPerKernelAndSeed) {
  const auto plan = plan_of(experiment());
  ASSERT_EQ(plan.size(), 9U);
  std::set<std::pair<std::string, std::uint64_t>> boots;
  for (const BootPlan& boot : plan) boots.insert({boot.kernel, boot.seed});
  EXPECT_EQ(boots.size(), 9U);
  // Seed by seed, so that an interrupted run has pairs.
  EXPECT_EQ(plan[0].seed, 5U);
  EXPECT_EQ(plan[2].seed, 5U);
  EXPECT_EQ(plan[3].seed, 6U);
}

TEST(Plan, IsolatedCellsHaveAGuestEach) {
  Experiment isolated = experiment();
  EXPECT_EQ(plan_of(isolated)[1].guests().size(), 1U);
  isolated.isolated = true;
  const BootPlan boot = plan_of(isolated)[1];
  ASSERT_EQ(boot.cells.size(), 6U);
  const auto guests = boot.guests();
  ASSERT_EQ(guests.size(), 6U);
  for (std::size_t i = 0; i < guests.size(); ++i) {
    ASSERT_EQ(guests[i].cells.size(), 1U);
    PlannedCell cell = guests[i].cells.front();
    EXPECT_EQ(cell.index, 0);
    cell.index = boot.cells[i].index;
    EXPECT_EQ(cell, boot.cells[i]);
    EXPECT_EQ(guests[i].seed, boot.seed);
    EXPECT_EQ(guests[i].mmap_pages, boot.mmap_pages);
  }
}

TEST(Plan, KernelsDifferInNothingButWhatTheyMeasure) {
  const auto plan = plan_of(experiment());
  const BootPlan& multi = plan[1];
  BootPlan flat = plan[2];
  EXPECT_EQ(multi.cells, flat.cells);
  flat.kernel = "multi";
  EXPECT_EQ(multi.to_json(), flat.to_json());
}

TEST(Plan, SeedChoosesLayoutOrderPhaseAndHistory) {
  Experiment many = experiment();
  many.boots = 20;
  std::set<int> mmap;
  std::set<int> environment;
  std::set<std::uint64_t> phase;
  std::set<int> history;
  std::set<std::string> first;
  for (const BootPlan& boot : plan_of(many)) {
    if (boot.kernel != "multi") continue;
    mmap.insert(boot.mmap_pages);
    environment.insert(boot.environment_bytes);
    first.insert(boot.cells[0].benchmark + std::to_string(boot.cells[0].depth));
    for (const PlannedCell& cell : boot.cells) {
      phase.insert(cell.tick_phase);
      history.insert(cell.history);
    }
  }
  EXPECT_GE(mmap.size(), 18U);
  EXPECT_GE(environment.size(), 18U);
  EXPECT_EQ(phase.size(), 40U);
  EXPECT_GE(history.size(), 20U);
  EXPECT_GE(first.size(), 4U);
}

// Ten seeds in a row leave no tenth of a slab out by more than a neighbour.
TEST(Plan, SeedsInARowSpreadEvenlyOverASlab) {
  Experiment ten = experiment();
  ten.boots = 10;
  std::map<std::string, std::set<std::uint64_t>> phases;
  for (const BootPlan& boot : plan_of(ten)) {
    for (const PlannedCell& cell : boot.cells) phases[cell.benchmark].insert(cell.slab_phase);
  }
  for (const auto& [benchmark, of_benchmark] : phases) {
    ASSERT_EQ(of_benchmark.size(), 10U) << benchmark;
    std::uint64_t before = *of_benchmark.rbegin() - 1000;
    for (const std::uint64_t phase : of_benchmark) {
      EXPECT_LE(phase - before, 150U) << benchmark;
      before = phase;
    }
  }
}

TEST(Plan, DepthsOfOneBenchmarkShareWhatTheSeedChose) {
  for (const BootPlan& boot : plan_of(experiment())) {
    for (const PlannedCell& a : boot.cells) {
      for (const PlannedCell& b : boot.cells) {
        if (a.benchmark == b.benchmark) {
          EXPECT_EQ(a.tick_phase, b.tick_phase);
          EXPECT_EQ(a.history, b.history);
          EXPECT_EQ(a.slab_phase, b.slab_phase);
        }
      }
    }
  }
}

TEST(Plan, IsTheSameEachTime) {
  const auto once = plan_of(experiment());
  const auto twice = plan_of(experiment());
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(once[i].to_json(), twice[i].to_json());
}

// A literal: what a seed chooses must not change unnoticed, or old results could no longer be repeated.
TEST(Plan, FirstSeedIsPinned) {
  const auto plan = plan_of(experiment());
  EXPECT_EQ(
      plan[0].to_json(),
      R"({"protocol":1,"seed":5,"meter":"instructions","condition":{"ids_next":0,"residents":0,"cgroup":"root"},"pid_max":4096,"mmap_pages":690,"environment_bytes":4250,"command":[],"cells":[)"
      R"({"index":0,"benchmark":"fork_exit_wait","depth":0,"iterations":400,"warmup":100,"history":30,"tick_phase":653606,"slab_phase":600,"limit_seconds":30},)"
      R"({"index":1,"benchmark":"getpid","depth":0,"iterations":2000,"warmup":200,"history":29,"tick_phase":2223651,"slab_phase":313,"limit_seconds":30}],"fault":""})");
}

TEST(Plan, ABootHasOneConditionAndASeedChoosesTheSameUnderAll) {
  Experiment conditions = experiment();
  conditions.isolated = true;
  for (Measure& measure : conditions.measures) measure.conditions = {kQuiet, kHost};
  const auto plain = plan_of(experiment());
  const auto both = plan_of(conditions);
  ASSERT_EQ(both.size(), 2 * plain.size());
  std::size_t quiet = 0;
  for (const BootPlan& boot : both) {
    if (boot.condition == kQuiet) {
      EXPECT_EQ(boot.pid_max, 4096);
      EXPECT_EQ(boot.cells, plain[quiet].cells);
      EXPECT_EQ(boot.kernel, plain[quiet++].kernel);
      continue;
    }
    EXPECT_EQ(boot.condition, kHost);
    EXPECT_EQ(boot.pid_max, 4'194'304);
    EXPECT_THAT(boot.to_json(),
                testing::HasSubstr(R"("condition":{"ids_next":300000,"residents":8,"cgroup":"container"})"));
    const auto same = std::find_if(plain.begin(), plain.end(), [&](const BootPlan& other) {
      return other.seed == boot.seed && other.kernel == boot.kernel;
    });
    ASSERT_NE(same, plain.end());
    EXPECT_EQ(boot.cells, same->cells);
  }
  EXPECT_EQ(quiet, plain.size());
}

TEST(Plan, CellsAreNumberedAndCarryTheBenchmarksIterations) {
  for (const BootPlan& boot : plan_of(experiment())) {
    for (std::size_t i = 0; i < boot.cells.size(); ++i) {
      EXPECT_EQ(boot.cells[i].index, static_cast<int>(i));
      EXPECT_EQ(boot.cells[i].iterations, boot.cells[i].benchmark == "getpid" ? 2000U : 400U);
    }
  }
}

TEST(Plan, AMeasureMayHaveItsOwnNumberOfRepetitions) {
  Experiment more = experiment();
  for (Measure& measure : more.measures) measure.repetitions = 7;
  for (const BootPlan& boot : plan_of(more)) {
    for (const PlannedCell& cell : boot.cells) EXPECT_EQ(cell.iterations, 7U);
  }
  // The other kernels would be compared with it.
  more.measures.back().repetitions = 0;
  const auto refused = make_plan(more, kKnown);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, Exit::user);
  EXPECT_EQ(refused.error().message,
            "t.toml:9: 'getpid' has 2000 repetitions here and 7 in a [[measure]] before: one number is needed, so that "
            "all its cells can be compared");
}

TEST(Plan, UnknownBenchmarkIsRefused) {
  const auto parsed = parse_experiment(R"(name = "t"
[[measure]]
kernels = ["multi"]
depths = [0]
benchmarks = ["getpit"]
)",
                                       "t.toml");
  ASSERT_TRUE(parsed);
  const auto plan = make_plan(*parsed, kKnown);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().exit, Exit::user);
  EXPECT_EQ(plan.error().message,
            "t.toml:2: there is no benchmark 'getpit'; did you mean 'getpid'? 'nslab bench list' shows all 2");
}

TEST(Plan, NeedsTheFilesOfItsBenchmarksAlone) {
  const GuestFile ps = {"/usr/bin/ps", "procps"};
  const GuestFile dash = {"/usr/bin/dash", "dash"};
  const std::vector<Benchmark> known = {{"getpid", "identity", "", 1, 1, 0, {}, {}},
                                        {"ps", "macro", "", 1, 1, 0, {}, {ps}},
                                        {"ps_again", "macro", "", 1, 1, 0, {}, {ps, dash}},
                                        {"shell", "macro", "", 1, 1, 0, {}, {dash}}};
  BootPlan boot;
  boot.cells.resize(2);
  boot.cells[0].benchmark = "getpid";
  EXPECT_TRUE(files_needed({boot}, known).empty());
  boot.cells[1].benchmark = "ps";
  EXPECT_EQ(files_needed({boot}, known), std::set<GuestFile>{ps});
  boot.cells[0].benchmark = "ps_again";
  EXPECT_EQ(files_needed({boot}, known), (std::set<GuestFile>{dash, ps}));
}

TEST(Plan, ACellThatDoesNotFitTheGuestsMemoryIsRefused) {
  const auto parsed = parse_experiment(R"(name = "t"
memory_mib = 1024
[[measure]]
kernels = ["multi"]
depths = [0]
benchmarks = ["getpid", "fork_processes_30000"]
)",
                                       "t.toml");
  ASSERT_TRUE(parsed);
  std::vector<Benchmark> known = kKnown;
  known.push_back({"fork_processes_30000", "scale", "", 200, 100, 896});
  EXPECT_TRUE(make_plan(*parsed, known));
  known.back().memory_mib = 897;
  const auto plan = make_plan(*parsed, known);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().exit, Exit::user);
  EXPECT_EQ(plan.error().message,
            "t.toml:3: 'fork_processes_30000' needs 1025 MiB of guest memory (897 MiB, and 128 MiB for the guest "
            "itself), the experiment gives 1024 MiB: set memory_mib = 1025 or more, or leave the benchmark out");
}

TEST(Plan, CellsWhoseProcessesFindNoIdOrNoMemoryAreRefused) {
  std::vector<Benchmark> known = kKnown;
  known.push_back({"fork_processes_3000", "scale", "", 200, 100, 100, CurvePoint{"fork", "processes", 3000}});
  const auto refused = [&](const std::string& keys, int depth, const std::string& benchmark) {
    const auto parsed = parse_experiment(fmt::format("name = \"t\"\nisolation = \"boot\"\n{}[[measure]]\nkernels = "
                                                     "[\"multi\"]\ndepths = [{}]\nbenchmarks = [\"{}\"]\n",
                                                     keys, depth, benchmark),
                                         "t.toml");
    EXPECT_TRUE(parsed) << parsed.error().message;
    const auto plan = make_plan(*parsed, known);
    return plan ? "" : plan.error().message;
  };
  EXPECT_EQ(refused("residents = 738\n", 4, "getpid"), "");
  EXPECT_EQ(
      refused("residents = 739\n", 4, "getpid"),
      "t.toml:4: 'getpid' at depth 4 under the condition 'residents=739' needs 4100 process ids (3695 residents, 0 "
      "processes of the benchmark's, 405 for the guest itself), pid_max is 4096: set pid_max = 4100 or more, or "
      "have fewer");
  EXPECT_EQ(refused("", 0, "fork_processes_3000"), "");
  EXPECT_THAT(refused("pid_max = 3400\n", 0, "fork_processes_3000"),
              testing::HasSubstr("needs 3401 process ids (0 residents, 3000 processes of the benchmark's, 401 for"));
  EXPECT_EQ(refused("pid_max = 3401\n", 0, "fork_processes_3000"), "");
  EXPECT_EQ(refused("residents = 1000\nids = \"aged\"\nmemory_mib = 3221\n", 32, "getpid"), "");
  EXPECT_THAT(refused("residents = 1000\nids = \"aged\"\nmemory_mib = 3220\n", 32, "getpid"),
              testing::HasSubstr("may need 3221 MiB of guest memory, as it has 33000 residents; the experiment gives "
                                 "3220 MiB"));
}

TEST(Plan, IsReadBackFromItsText) {
  BootPlan plan;
  plan.seed = 0xffff'ffff'ffff'ffff;
  plan.condition = kHost;
  plan.pid_max = 4096;
  plan.command = {"/bin/true", "x"};
  plan.cells = {{.index = 0, .benchmark = "getpid", .depth = 2, .iterations = 7, .tick_phase = 3}};
  const auto read = plan_from_json(plan.to_json());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->to_json(), plan.to_json());
  EXPECT_EQ(read->condition, kHost);
  EXPECT_EQ(read->cells, plan.cells);
  const std::string text = plan.to_json();
  for (const auto& damaged : {std::string("{}"), std::string("["), text.substr(0, text.size() - 1), text + " ",
                              std::string(text).replace(text.find("4096"), 4, "4.96")}) {
    EXPECT_FALSE(plan_from_json(damaged)) << damaged;
  }
}

TEST(Plan, VcpusAreThoseOfTheExperimentAndHoldWhatABenchmarkKeepsBusy) {
  constexpr const char* kText = R"(
name = "smp"
meter = "{}"
{}
[[measure]]
kernels = ["multi"]
depths = [0]
benchmarks = ["getpid", "smp_fork_same_2"]
)";
  std::vector<Benchmark> known = kKnown;
  known.push_back({.name = "smp_fork_same_2", .family = "smp", .description = "", .iterations = 100, .vcpus = 2});
  const auto planned = [&](const char* meter, const char* vcpus) {
    return make_plan(*parse_experiment(fmt::format(fmt::runtime(kText), meter, vcpus), "x.toml"), known);
  };
  const auto plan = planned("time", "vcpus = 4");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->front().vcpus, 4);
  EXPECT_THAT(plan->front().to_json(), testing::HasSubstr(R"("meter":"time","vcpus":4,)"));
  EXPECT_EQ(plan_from_json(plan->front().to_json())->vcpus, 4);
  const auto too_few = planned("time", "");
  ASSERT_FALSE(too_few);
  EXPECT_EQ(too_few.error().exit, Exit::user);
  EXPECT_EQ(too_few.error().message,
            "x.toml:5: 'smp_fork_same_2' keeps 2 vCPUs busy at once, the guest has 1: set vcpus = 2 or more, or leave "
            "it out");
  const auto counted = planned("instructions", "");
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().exit, Exit::user);
  EXPECT_THAT(counted.error().message,
              testing::StartsWith("x.toml:5: 'smp_fork_same_2' needs meter = \"time\": the instructions meter has one "
                                  "vCPU only, as QEMU's icount executes one CPU at a time"));
}

TEST(Plan, BlocksOfTimesHaveEachKernelInEachPlaceEquallyOften) {
  constexpr const char* kText = R"(
name = "blocks"
meter = "{}"
boots = 9
first_seed = 5
[[measure]]
kernels = ["none", "multi", "flat"]
depths = [0]
benchmarks = ["getpid"]
)";
  std::vector<Benchmark> known(1);
  known.front().name = "getpid";
  known.front().iterations = 10;
  const auto plan = [&](const std::string& meter) {
    return *make_plan(*parse_experiment(fmt::format(fmt::runtime(kText), meter), "test"), known);
  };
  const auto boots = plan("time");
  ASSERT_EQ(boots.size(), 27U);
  std::map<std::pair<std::string, std::size_t>, int> times;  // by kernel and place
  std::set<std::string> orders;
  for (std::size_t block = 0; block < 9; ++block) {
    std::string order;
    for (std::size_t place = 0; place < 3; ++place) {
      const BootPlan& boot = boots[3 * block + place];
      EXPECT_EQ(boot.seed, 5 + block);
      ++times[{boot.kernel, place}];
      order += boot.kernel + " ";
    }
    orders.insert(order);
  }
  EXPECT_EQ(times.size(), 9U);
  for (const auto& [where, count] : times) EXPECT_EQ(count, 3) << where.first << " in place " << where.second;
  EXPECT_GT(orders.size(), 2U) << "one order after the other";
  const auto again = plan("time");
  for (std::size_t i = 0; i < boots.size(); ++i) EXPECT_EQ(again[i].kernel, boots[i].kernel);
  const auto counted = plan("instructions");
  for (std::size_t i = 3; i < counted.size(); ++i) EXPECT_EQ(counted[i].kernel, counted[i % 3].kernel);
}

// What one boot leaves on the host, the next one finds: Williams' squares. An odd count takes two of them.
TEST(Plan, EachKernelFollowsEachOtherOneEquallyOften) {
  std::vector<Benchmark> known(1);
  known.front().name = "getpid";
  known.front().iterations = 10;
  for (const auto& [kernels, blocks, times] : {std::tuple(std::string(R"("none", "multi", "flat", "list")"), 4, 1),
                                               {R"("none", "multi", "flat")", 6, 2},
                                               {R"("none", "multi", "flat", "list", "static3")", 10, 2}}) {
    const auto boots = *make_plan(
        *parse_experiment(fmt::format("name = \"w\"\nmeter = \"time\"\nboots = {}\n[[measure]]\nkernels = [{}]\n"
                                      "depths = [0]\nbenchmarks = [\"getpid\"]\n",
                                      blocks, kernels),
                          "test"),
        known);
    const std::size_t count = boots.size() / static_cast<std::size_t>(blocks);
    std::map<std::pair<std::string, std::string>, int> followed;
    for (std::size_t i = 1; i < boots.size(); ++i)
      if (i % count != 0) ++followed[{boots[i - 1].kernel, boots[i].kernel}];
    EXPECT_EQ(followed.size(), count * (count - 1)) << kernels;
    for (const auto& [pair, number] : followed) EXPECT_EQ(number, times) << pair.first << ", " << pair.second;
  }
}

}  // namespace
}  // namespace nslab
