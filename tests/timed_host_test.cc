// SPDX-License-Identifier: GPL-2.0
//
// Where a timed guest runs, and what is seen of its host. Under plain TCG: the times are an emulator's, and all else is
// as under KVM.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpus.h"
#include "json.h"
#include "lab_support.h"
#include "store.h"
#include "text.h"

namespace nslab::lab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

/// Uses a CPU whenever nobody else wants it, for as long as it lives.
class Spinner {
 public:
  explicit Spinner(int cpu) : pid_(::fork()) {
    if (pid_ != 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::sched_setaffinity(0, sizeof set, &set);
    ::setpriority(PRIO_PROCESS, 0, 19);
    for (;;) asm volatile("");
  }
  ~Spinner() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

 private:
  pid_t pid_;
};

constexpr const char* kExperiment =
    "name = \"timed\"\nmeter = \"time\"\nboots = 1\nmemory_mib = 256\n[[measure]]\nkernels = [\"debian:6.12\"]\n"
    "depths = [0]\nbenchmarks = [\"getpid\"]\n";

TEST(TimedHost, AGuestHasItsCpuAndIsMarkedWhenAnotherProgramUsesIt) {
  const TempFolder work = folder();
  const CpuPlace place = must(cpu_places(usable_cpus(), 1, 1)).front();
  must(write_file(work.path() / "timed.toml", kExperiment));
  const Spinner spinner(place.vcpus.front());
  const Captured run = nslab({"run", work.path() / "timed.toml", "--accel", "tcg", "--results", work.path() / "run"});
  ASSERT_EQ(run.status, 0) << run.output;
  Store store = must(Store::open_existing(work.path() / "run"));
  const auto samples = must(store.samples(must(store.run(std::nullopt)).id));
  ASSERT_EQ(samples.size(), 1U);
  const Json layout = parse_json(samples.front().layout).value();
  EXPECT_EQ(layout.at("host_cpu"), place.vcpus.front());
  EXPECT_GT(layout.at("host_ran_us").get<int>(), 100'000);
  EXPECT_GT(layout.at("host_watched_us").get<int>(), layout.at("host_ran_us").get<int>());
  EXPECT_GT(layout.at("host_others_us").get<int>(), 100'000);
  const Captured report = nslab({"report", work.path() / "run"});
  EXPECT_EQ(report.status, 0) << report.output;
  EXPECT_THAT(report.output, HasSubstr("has disturbed 1 of 1 boots"));
  EXPECT_THAT(report.output, HasSubstr("others used its CPU for"));
  EXPECT_THAT(report.output, HasSubstr("TCG wall time: not representative"));
  // What is committed has it as well.
  EXPECT_EQ(nslab({"export", work.path() / "run", "--output", work.path() / "text"}).status, 0);
  EXPECT_THAT(nslab({"report", work.path() / "text"}).output, HasSubstr("has disturbed 1 of 1 boots"));
}

TEST(TimedHost, EachBootsKernelLiesElsewhere) {
  const TempFolder work = folder();
  std::string experiment = kExperiment;
  experiment.replace(experiment.find("boots = 1"), 9, "boots = 3");
  std::set<std::uint64_t> addresses;
  for (const Sample& sample : measure(work.path() / "run", experiment, {"--accel", "tcg"}))
    addresses.insert(layout_of(sample).at("kernel_text").get<std::uint64_t>());
  // There are some 500 places.
  EXPECT_GT(addresses.size(), 1U);
  EXPECT_THAT(nslab({"report", work.path() / "run"}).output,
              HasSubstr("with KASLR chooses at random at each boot: debian:6.12"));
}

TEST(TimedHost, CpusThatAreNotThereAreSaid) {
  const TempFolder work = folder();
  must(write_file(work.path() / "timed.toml", kExperiment));
  const auto refused = [&](const std::vector<std::string>& options) {
    std::vector<std::string> words = {"run",       work.path() / "timed.toml", "--accel", "tcg",
                                      "--results", work.path() / "run"};
    words.insert(words.end(), options.begin(), options.end());
    const Captured run = nslab(words);
    EXPECT_NE(run.status, 0);
    return run.output;
  };
  std::vector<int> numbers;
  for (const Cpu& cpu : usable_cpus()) numbers.push_back(cpu.number);
  const std::string all = cpu_list_text(numbers);
  EXPECT_THAT(refused({"--cpus", "4000"}), HasSubstr("--cpus 4000: this process may use " + all + ", and no others"));
  EXPECT_THAT(refused({"--cpus", "1-"}), HasSubstr("'1-' is no list of CPUs"));
  EXPECT_THAT(refused({"--jobs", "500"}), HasSubstr("--jobs"));
  EXPECT_FALSE(fs::exists(work.path() / "run/nslab.sqlite"));
  const Captured counted = nslab({"run", "configs/first.toml", "--fifo", "--results", work.path() / "run"});
  EXPECT_EQ(counted.status, 2 << 8) << counted.output;
  EXPECT_THAT(counted.output, HasSubstr("--cpus and --fifo are for the time meter"));
}

}  // namespace
}  // namespace nslab::lab
