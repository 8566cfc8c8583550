// SPDX-License-Identifier: GPL-2.0
//
// A timed guest with two vCPUs, under plain TCG: its figures are an emulator's, so what is tested is what is stored,
// and not how fast it was.
#include "json.h"
#include "lab_support.h"

namespace nslab::lab {
namespace {
namespace fs = std::filesystem;

constexpr const char* kExperiment = R"(
name = "time"
meter = "time"
profile = "mini"
boots = 1
vcpus = 2
[[measure]]
kernels = ["multi"]
depths = [0]
repetitions = 20
benchmarks = ["smp_getpid_same_2", "smp_getpid_nested_2", "smp_fork_same_2", "smp_fork_nested_2", "fork_exit_wait"]
[[measure]]
kernels = ["multi"]
depths = [1]
benchmarks = ["empty", "getpid"]
)";

class Time : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    work_.emplace(folder());
    // On a busy host QEMU's emulator of several CPUs now and then stops a guest, which no user's KVM does: the same
    // command tries the boot again.
    const fs::path results = work_->path() / "time";
    must(write_file(results.string() + ".toml", kExperiment));
    for (int attempt = 0; attempt < 2; ++attempt) {
      const Captured ended = nslab(
          {"run", results.string() + ".toml", "--force-profile", "--results", results.string(), "--accel", "tcg"});
      if (ended.status == 0) break;
      fmt::print("{}\n", ended.output);
    }
    for (const Sample& sample : measure(results, kExperiment, {"--accel", "tcg"})) samples_[sample.benchmark] = sample;
  }
  static void TearDownTestSuite() { work_.reset(); }

  static Json layout(const std::string& benchmark) {
    const auto found = parse_json(samples_[benchmark].layout);
    EXPECT_TRUE(found && found->is_object()) << benchmark;
    return found.value_or(Json::object());
  }
  static double per_operation(const std::string& benchmark, const char* event) {
    const Json stored = layout(benchmark);
    return stored.at(event).get<double>() / stored.at("counted_operations").get<double>();
  }

  static inline std::optional<TempFolder> work_;
  static inline std::map<std::string, Sample> samples_;
};

TEST_F(Time, EveryRepetitionTakesTime) {
  ASSERT_EQ(samples_.size(), 7U);
  for (const auto& [benchmark, sample] : samples_) {
    EXPECT_EQ(sample.status, CellStatus::ok) << benchmark;
    EXPECT_GT(sample.minimum, 0U) << benchmark;
    // The guest's own clock would have given whole ticks of 4 ms.
    EXPECT_TRUE(layout(benchmark).at("clock").is_string());
    EXPECT_LT(layout(benchmark).at("clock_step_ns"), 10'000) << benchmark;
    EXPECT_TRUE(layout(benchmark).contains("steal_ticks")) << benchmark;
  }
  EXPECT_LT(samples_["getpid"].minimum, 100'000U);
  EXPECT_LT(samples_["empty"].minimum, samples_["getpid"].minimum);
}

TEST_F(Time, WorkersCountsAddUp) {
  for (const char* benchmark : {"smp_getpid_same_2", "smp_getpid_nested_2", "smp_fork_same_2", "smp_fork_nested_2"}) {
    const Json stored = layout(benchmark);
    const auto first = stored.at("worker_1_operations").get<std::uint64_t>();
    const auto second = stored.at("worker_2_operations").get<std::uint64_t>();
    EXPECT_EQ(first + second, stored.at("operations")) << benchmark;
    // An operation at least in each round of each.
    EXPECT_GE(first, 20U) << benchmark;
    EXPECT_GE(second, 20U) << benchmark;
    EXPECT_FALSE(stored.contains("worker_3_operations"));
  }
}

TEST_F(Time, SoftwareEventsAreWhatAForkNeedsAndHardwareIsAbsent) {
  for (const char* benchmark : {"fork_exit_wait", "smp_fork_same_2", "smp_fork_nested_2"}) {
    // Parent and child write to pages that they share: the stack alone makes one fault in each.
    EXPECT_GE(per_operation(benchmark, "count_page_faults"), 2) << benchmark;
    EXPECT_LT(per_operation(benchmark, "count_page_faults"), 100) << benchmark;
  }
  // The parent sleeps until its child, which shares its CPU, has ended. The child's own last switch comes when it
  // counts no more.
  for (const char* benchmark : {"smp_fork_same_2", "smp_fork_nested_2"}) {
    EXPECT_GE(per_operation(benchmark, "count_context_switches"), 0.9) << benchmark;
    EXPECT_EQ(per_operation(benchmark, "count_cpu_migrations"), 0) << benchmark;
  }
  EXPECT_LT(per_operation("getpid", "count_page_faults"), 0.1);
  for (const auto& [benchmark, sample] : samples_) {
    for (const char* event : {"count_cycles", "count_instructions", "count_cache_misses", "counter_share"})
      EXPECT_FALSE(layout(benchmark).contains(event)) << benchmark << ": " << event;
  }
}

TEST_F(Time, WhatNeedsTheTimeMeterIsRefusedUnderInstructions) {
  const auto config = work_->path() / "counted.toml";
  ASSERT_TRUE(write_file(config,
                         "name = \"counted\"\n[[measure]]\nkernels = [\"multi\"]\ndepths = [0]\n"
                         "benchmarks = [\"smp_fork_same_1\"]\n"));
  const Captured refused = nslab({"run", config.string(), "--dry-run"});
  EXPECT_EQ(WEXITSTATUS(refused.status), 2);
  EXPECT_THAT(refused.output, testing::HasSubstr("'smp_fork_same_1' needs meter = \"time\": the instructions meter has "
                                                 "one vCPU only"));
}

}  // namespace
}  // namespace nslab::lab
