// SPDX-License-Identifier: GPL-2.0
//
// The lab from end to end: kernels of three designs, booted, measured, stored, reported. And the claim everything
// stands on: that the instructions meter repeats to the digit.
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "guest_state.h"
#include "lab_support.h"
#include "store.h"

namespace nslab::lab {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kExperiment = R"(
name = "lab"
profile = "mini"
boots = 2
reference = "none"
[[measure]]
kernels = ["none", "multi", "flat+cache"]
depths = [0, 1, 2]
benchmarks = ["getpid", "fork_exit_wait", "thread_create_join"]
)";

class Lab : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_ = std::make_unique<TempFolder>(folder());
    for (const char* model : {"none", "multi", "flat+cache"}) kernel(model);
    samples_ = measure(work_->path() / "one", kExperiment, {"--jobs", "1"});
  }
  static void TearDownTestSuite() { work_.reset(); }

  static std::vector<Sample> cell(const std::string& kernel, const std::string& benchmark, int depth) {
    std::vector<Sample> found;
    for (const Sample& sample : samples_) {
      if (sample.kernel == kernel && sample.benchmark == benchmark && sample.depth == depth) found.push_back(sample);
    }
    EXPECT_EQ(found.size(), 2U) << kernel << " " << benchmark << " " << depth;
    return found;
  }

  static std::unique_ptr<TempFolder> work_;
  static std::vector<Sample> samples_;
};

std::unique_ptr<TempFolder> Lab::work_;
std::vector<Sample> Lab::samples_;

TEST_F(Lab, EveryPlannedCellIsThere) { EXPECT_EQ(samples_.size(), 2U * 3U * 3U * 3U); }

TEST_F(Lab, RepeatsToTheDigitInParallelAndUnderLoad) {
  const Load load;
  expect_equal(samples_, measure(work_->path() / "two", kExperiment));
}

// The benchmarks are some that let the guest fall idle, and so many that it does. Without the
// guard (harness/plugin/guard_plugin.cc), some cells differ.
TEST_F(Lab, RepeatsToTheDigitWhereverQemusThreadsAreHeldUp) {
  constexpr const char* kIdling = R"(
name = "idling"
profile = "mini"
boots = 1
reference = "multi"
[[measure]]
kernels = ["multi"]
depths = [0, 1]
benchmarks = [
  "fork_exit_wait", "futex_pi_lock_unlock", "futex_pi_owner", "getpgid_child", "getpgid_self", "getpgrp", "getpid",
  "getppid", "getpriority_child", "getsid", "gettid", "getuid", "kill_all_200", "kill_child", "kill_group_200",
  "pidfd_open_close",
]
)";
  expect_equal(measure(work_->path() / "idling", kIdling),
               measure(work_->path() / "held", kIdling, {"--preload", NSLAB_LATE_EXITS}));
}

/// The settings of a boot of multi in this folder.
BootSettings settings_in(const std::filesystem::path& folder) {
  BootSettings settings;
  settings.kernel = kernel("multi").vmlinux();
  settings.initramfs = must(make_image(paths())).file;
  settings.folder = folder / "boot";
  settings.plugins = paths().plugins;
  std::filesystem::remove_all(settings.folder);
  std::filesystem::create_directories(settings.folder);
  return settings;
}

/// The state of multi in a cache in this folder.
std::filesystem::path cached_state(const std::filesystem::path& folder, const std::string& identity = "identity") {
  return must(cached_guest_state(folder / "cache", identity, "multi", settings_in(folder)));
}

// All boots of a run go on from the saved state of the ready guest. The same plan from the start must give the same.
TEST_F(Lab, ASavedGuestGoesOnWithTheDigitsOfABootFromTheStart) {
  const TempFolder work = folder();
  const auto state = work.path() / "state";
  std::filesystem::copy_file(cached_state(work.path()), state);
  const Load load;
  for (const std::uint64_t seed : {1, 2}) {
    const BootPlan plan = first_boot(fmt::format(
        "name = \"state\"\nprofile = \"mini\"\nboots = 1\nfirst_seed = {}\n[[measure]]\nkernels = [\"multi\"]\n"
        "depths = [0, 2]\nbenchmarks = [\"getpid\", \"fork_exit_wait\", \"kill_all_200\", \"pidns_create\"]\n",
        seed));
    const Boot from_start = must(run_boot(plan, settings_in(work.path())));
    auto settings = settings_in(work.path());
    settings.state = state;
    for (const char* preload : {"", NSLAB_LATE_EXITS}) {
      settings.preload = preload;
      std::filesystem::remove_all(settings.folder);
      std::filesystem::create_directories(settings.folder);
      const Boot gone_on = must(run_boot(plan, settings));
      EXPECT_EQ(gone_on.report.samples, from_start.report.samples) << "seed " << seed << " " << preload;
      EXPECT_EQ(gone_on.report.ready_instructions, from_start.report.ready_instructions);
    }
  }
}

TEST_F(Lab, AnIsolatedCellDoesNotDependOnTheOthers) {
  const auto text = [](const std::string& benchmarks) {
    return "name = \"isolated\"\nprofile = \"mini\"\nboots = 1\nisolation = \"boot\"\n[[measure]]\n"
           "kernels = [\"multi\"]\ndepths = [1]\nbenchmarks = [" +
           benchmarks + "]\n";
  };
  const auto alone = measure(work_->path() / "alone", text("\"fork_exit_wait\""));
  const auto several =
      measure(work_->path() / "several", text("\"kill_all_200\", \"fork_exit_wait\", \"thread_create_join\""));
  ASSERT_EQ(alone.size(), 1U);
  ASSERT_EQ(several.size(), 3U);
  EXPECT_THAT(several, testing::Contains(alone.front()));
}

/// One cell's mean.
double mean_of(const std::vector<Sample>& samples, const std::string& condition, const std::string& kernel, int depth) {
  const auto found = std::find_if(samples.begin(), samples.end(), [&](const Sample& sample) {
    return sample.condition == condition && sample.kernel == kernel && sample.depth == depth;
  });
  EXPECT_NE(found, samples.end()) << condition << " " << kernel << " " << depth;
  return found == samples.end() ? 0 : found->mean();
}

// Each part of a condition is brought about on every kind of kernel, repeats to the digit, and costs what it is there
// for: ids that grow a tree by a node a level, and memory that is charged.
TEST_F(Lab, ConditionsAreBroughtAboutAndRepeat) {
  constexpr const char* kConditions = R"(
name = "conditions"
profile = "mini"
boots = 1
isolation = "boot"
conditions = ["quiet", "aged", "residents=5", "container", "host"]
[[measure]]
kernels = ["multi", "flat+cache"]
depths = [0, 1]
benchmarks = ["vfork_exit_wait"]
repetitions = 1000
[[measure]]
kernels = ["none"]
depths = [0]
conditions = ["aged=5000+residents=2+container"]
benchmarks = ["vfork_exit_wait"]
repetitions = 1000
)";
  const auto samples = measure(work_->path() / "conditions", kConditions, {"--jobs", "1"});
  ASSERT_EQ(samples.size(), 5U * 2U * 2U + 1U);
  const auto layout_of = [](const Sample& sample) {
    const json layout = json::parse(sample.layout);
    return std::tuple(layout["ids_next"].get<int>() - layout["history"].get<int>(), layout["residents"].get<int>(),
                      layout["container"].get<int>());
  };
  for (const Sample& sample : samples) {
    const auto [ids_next, residents, container] = layout_of(sample);
    const Condition condition = must(condition_from(sample.condition));
    if (condition.ids_next > 0) {
      EXPECT_EQ(ids_next, condition.ids_next) << sample.condition;
    }
    EXPECT_EQ(residents, condition.residents) << sample.condition;
    EXPECT_EQ(container, condition.container ? 1 : 0) << sample.condition;
  }
  for (const char* kernel : {"multi", "flat+cache"}) {
    for (const int depth : {0, 1}) {
      const double quiet = mean_of(samples, "quiet", kernel, depth);
      EXPECT_GT(mean_of(samples, "aged", kernel, depth), quiet + 500 * (depth + 1)) << kernel << depth;
      EXPECT_GT(mean_of(samples, "container", kernel, depth), quiet + 500) << kernel << depth;
      EXPECT_GT(mean_of(samples, "host", kernel, depth), mean_of(samples, "aged", kernel, depth)) << kernel << depth;
    }
  }
  const Load load;
  expect_equal(samples, measure(work_->path() / "conditions again", kConditions));
}

TEST_F(Lab, AConditionThatCannotBeBroughtAboutFailsTheBoot) {
  const auto error_of = [](const std::string& change) {
    BootPlan plan = first_boot(
        "name = \"condition\"\nprofile = \"mini\"\nisolation = \"boot\"\n[[measure]]\nkernels = [\"multi\"]\n"
        "depths = [1]\nbenchmarks = [\"getpid\"]\nconditions = [\"host\"]\n");
    if (change == "ids") plan.pid_max = 300'000;
    if (change == "residents") plan.condition.residents = 1000, plan.pid_max = 301;
    const auto ended = boot(plan);
    return ended ? "it ended well" : ended.error().message;
  };
  EXPECT_THAT(error_of(""), HasSubstr("it ended well"));
  EXPECT_THAT(error_of("ids"), HasSubstr("cannot move the next id of a namespace: Invalid argument"));
  EXPECT_THAT(error_of("residents"), HasSubstr("cannot start the residents"));
}

TEST_F(Lab, AStateThatIsNotAsItWasStoredIsMadeAgain) {
  const TempFolder work = folder();
  const auto made = [&] { return cached_state(work.path()); };
  const auto state = made();
  EXPECT_EQ(made(), state);
  std::filesystem::resize_file(state, 1 << 20);
  EXPECT_EQ(made(), state);
  EXPECT_GT(std::filesystem::file_size(state), 10U << 20);
  std::filesystem::remove(state.parent_path() / "sha256");
  EXPECT_EQ(made(), state);
  EXPECT_TRUE(std::filesystem::exists(state.parent_path() / "sha256"));
  EXPECT_TRUE(std::filesystem::is_empty(work.path() / "cache/tmp"));
  // Another guest's, put in its place.
  const auto other = cached_state(work.path(), "another identity");
  std::filesystem::remove_all(state.parent_path());
  std::filesystem::rename(other.parent_path(), state.parent_path());
  const std::string seal = must(read_file(state.parent_path() / "sha256"));
  EXPECT_EQ(made(), state);
  EXPECT_NE(must(read_file(state.parent_path() / "sha256")), seal);
}

// However many there are, and whatever the clock said when the others were used.
TEST_F(Lab, AStateThatWasJustMadeStays) {
  const TempFolder work = folder();
  const auto states = work.path() / "cache/states";
  const auto now = std::filesystem::file_time_type::clock::now();
  for (int i = 0; i < 70; ++i) {
    const auto old = states / fmt::format("old{}", i);
    must(make_folders(old));
    must(write_file(old / "sha256", ""));
    std::filesystem::last_write_time(old / "sha256", now + std::chrono::hours(i < 60 ? 24 : -24));
  }
  const auto state = cached_state(work.path());
  EXPECT_TRUE(std::filesystem::exists(state));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(states), {}), 64);
  for (int i = 60; i < 70; ++i) EXPECT_TRUE(std::filesystem::exists(states / fmt::format("old{}", i)));
}

// Behind the hash: a state that QEMU itself cannot take ends the boot with words.
TEST_F(Lab, AStateOfAnotherMachineOrNoneIsAnError) {
  const TempFolder work = folder();
  const BootPlan plan = first_boot(
      "name = \"state\"\nprofile = \"mini\"\nboots = 1\n[[measure]]\nkernels = [\"multi\"]\ndepths = [0]\n"
      "benchmarks = [\"getpid\"]\n");
  const auto state = work.path() / "state";
  must(save_guest_state("multi", settings_in(work.path()), state));
  auto settings = settings_in(work.path());
  settings.state = state;
  settings.memory_mib = 300;
  const auto other = run_boot(plan, settings);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("QEMU gave up"));

  std::filesystem::resize_file(state, 5 << 20);
  settings = settings_in(work.path());
  settings.state = state;
  const auto cut = run_boot(plan, settings);
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message, HasSubstr("QEMU gave up"));
}

TEST_F(Lab, ADryRunTellsCellsBootsAndTheTimeTheyTook) {
  const auto results = work_->path() / "one";
  const Captured ended =
      nslab({"run", results.string() + ".toml", "--force-profile", "--results", results.string(), "--dry-run"});
  EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("depth 2: fork_exit_wait, getpid, thread_create_join\n"));
  EXPECT_THAT(ended.output, HasSubstr("27 cells on 3 kernels, 2 boots each: 6 boots"));
  EXPECT_THAT(ended.output, testing::ContainsRegex("expected time, kernels built: [0-9:]+ \\(from 6 boots"));
  EXPECT_EQ(must(must(Store::open_existing(results.string())).runs()).size(), 1U);
}

TEST_F(Lab, ADryRunBeforeTheFirstBootGoesByTheReferenceRun) {
  const Captured ended =
      nslab({"run", "configs/smoke.toml", "--results", (work_->path() / "none").string(), "--dry-run"});
  EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  EXPECT_THAT(ended.output, testing::ContainsRegex("expected time, kernels built: [0-9:]+ \\(from 40 boots of this "
                                                   "experiment in .*results/reference/smoke"));
}

TEST_F(Lab, GetpidsBarePathIsTheSameAtEverySeed) {
  for (const char* kernel : {"none", "multi", "flat+cache"}) {
    const auto samples = cell(kernel, "getpid", 0);
    for (const Sample& sample : samples) {
      EXPECT_EQ(sample.minimum, samples[0].minimum);
      EXPECT_EQ(sample.median, sample.minimum) << "more than half of the calls are undisturbed";
      EXPECT_GT(sample.minimum, 50U);
      EXPECT_LT(sample.minimum, 2000U);
    }
  }
}

// Cached ids follow fewer pointers than mainline's lookup, at depth 1 as at depth 0.
TEST_F(Lab, CachedIdsAreCheaperThanMainlines) {
  for (const int depth : {0, 1}) {
    EXPECT_LT(cell("flat+cache", "getpid", depth)[0].minimum, cell("multi", "getpid", depth)[0].minimum);
  }
}

TEST_F(Lab, FlatIsRefusedBelowDepthOneAndNoneAtDepthOne) {
  for (const char* benchmark : {"getpid", "fork_exit_wait", "thread_create_join"}) {
    for (const auto& [kernel, depth] : {std::pair("flat+cache", 2), std::pair("none", 1), std::pair("none", 2)}) {
      for (const Sample& sample : cell(kernel, benchmark, depth)) {
        EXPECT_EQ(sample.status, CellStatus::refused);
        EXPECT_EQ(sample.refusal, "EINVAL");
        EXPECT_EQ(sample.iterations, 0U);
      }
    }
  }
}

// A thread costs 2,000 instructions more with each level, and so does a fork.
TEST_F(Lab, AThreadAndAForkCostMoreWithEachLevelOnMulti) {
  for (const char* benchmark : {"thread_create_join", "fork_exit_wait"}) {
    for (std::size_t boot = 0; boot < 2; ++boot) {
      const auto median = [&](int depth) { return cell("multi", benchmark, depth)[boot].median; };
      EXPECT_LT(median(0), median(1)) << benchmark;
      EXPECT_LT(median(1), median(2)) << benchmark;
    }
  }
}

// The slabs of mappings are in the state that the seed chooses, the same in each kernel and at each depth.
TEST_F(Lab, SlabsAreLevelledAlikeForAllKernels) {
  std::map<std::pair<std::string, std::uint64_t>, std::set<int>> used;  // by benchmark and seed
  for (const Sample& sample : samples_) {
    if (sample.status != CellStatus::ok) continue;
    const int objects = json::parse(sample.layout).at("mapping_slab").get<int>();
    EXPECT_GE(objects, 1) << sample.kernel << " does not tell of its slabs";
    used[{sample.benchmark, sample.seed}].insert(objects);
  }
  std::set<int> all;
  for (const auto& [cell, seen] : used) {
    EXPECT_EQ(seen.size(), 1U) << cell.first << ", seed " << cell.second;
    all.insert(seen.begin(), seen.end());
  }
  EXPECT_GE(all.size(), used.size() / 2) << "the seed chooses";
}

// The seed moves the worker's stack, its mmap base and the tick phase, and moves them alike for all kernels and depths.
TEST_F(Lab, SeedsChooseTheLayoutAlikeForAllKernels) {
  std::map<std::uint64_t, std::set<std::string>> layouts;
  std::set<std::uint64_t> stacks;
  std::set<std::uint64_t> mmaps;
  std::set<std::int64_t> phases;
  for (const Sample& sample : samples_) {
    if (sample.status != CellStatus::ok) continue;
    const json layout = json::parse(sample.layout);
    stacks.insert(layout.at("stack").get<std::uint64_t>());
    mmaps.insert(layout.at("mmap").get<std::uint64_t>());
    if (sample.benchmark == "getpid") phases.insert(layout.at("tick_phase").get<std::int64_t>() / 100);
    layouts[sample.seed].insert(json{layout.at("stack"), layout.at("mmap"), layout.at("environment_bytes")}.dump());
  }
  for (const auto& [seed, seen] : layouts) EXPECT_EQ(seen.size(), 1U) << "seed " << seed;
  EXPECT_EQ(stacks.size(), 2U);
  EXPECT_EQ(mmaps.size(), 2U);
  EXPECT_GE(phases.size(), 2U);
}

// What the guest measured from is where the plan put it: at most one operation after the tick phase asked for.
TEST_F(Lab, TickPhaseIsAsPlanned) {
  const Experiment experiment = must(parse_experiment(kExperiment, "test"));
  const auto plan = must(make_plan(experiment, must(list_benchmarks(paths().guest / "micro"))));
  for (const BootPlan& boot : plan) {
    for (const PlannedCell& planned : boot.cells) {
      for (const Sample& sample : cell(boot.kernel, planned.benchmark, planned.depth)) {
        if (sample.seed != boot.seed || sample.status != CellStatus::ok) continue;
        const auto phase = json::parse(sample.layout).at("tick_phase").get<std::uint64_t>();
        EXPECT_GE(phase, planned.tick_phase);
        EXPECT_LT(phase, planned.tick_phase + sample.maximum + 20'000)
            << "a tick's own work is some 10,000 instructions";
        EXPECT_EQ(json::parse(sample.layout).at("history").get<int>(), planned.history);
      }
    }
  }
}

TEST_F(Lab, ReportHasTableVerdictsPlotsAndPage) {
  const std::string results = (work_->path() / "one").string();
  const Captured report = nslab({"report", results});
  EXPECT_EQ(WEXITSTATUS(report.status), 0) << report.output;
  EXPECT_THAT(report.output, HasSubstr("refused (EINVAL)"));
  EXPECT_THAT(report.output, HasSubstr("instructions"));
  EXPECT_THAT(report.output, HasSubstr("mini")) << "a profile that is not for measurement is labelled";
  int images = 0;
  for (const auto& entry : std::filesystem::directory_iterator(results)) {
    const std::string extension = entry.path().extension();
    if (extension != ".png" && extension != ".svg") continue;
    ++images;
    const std::string head = read_file(entry.path())->substr(0, 100);
    EXPECT_THAT(head, HasSubstr(extension == ".png" ? "PNG" : "<?xml")) << entry.path();
    EXPECT_GT(entry.file_size(), 2000U);
  }
  EXPECT_GE(images, 4) << "bars and lines, PNG and SVG each";

  const Captured compared = nslab({"compare", "multi", "flat+cache", "--results", results});
  EXPECT_EQ(WEXITSTATUS(compared.status), 0) << compared.output;
  EXPECT_THAT(compared.output, HasSubstr("costs less"));
  const Captured unknown = nslab({"compare", "multi", "flat", "--results", results});
  EXPECT_EQ(WEXITSTATUS(unknown.status), 2) << unknown.output;
}

}  // namespace
}  // namespace nslab::lab
