// SPDX-License-Identifier: GPL-2.0
//
// What races: on the one vCPU of a measurement nothing does. Here processes in several pid namespaces take, find and
// free ids on 2 and on 4 vCPUs, which QEMU runs in threads of their own, on kernels that check themselves.
#include <sstream>

#include "lab_support.h"

namespace nslab::lab {
namespace {

constexpr int kMemoryMib = 1536;

/// How long each guest runs, in seconds of the host: NSLAB_RACES_SECONDS, or a few.
int seconds() {
  const char* const wanted = std::getenv("NSLAB_RACES_SECONDS");
  if (wanted != nullptr) return std::max(1, std::atoi(wanted));
  return all_models_wanted() ? 60 : 5;
}

/// The program's plan for a model.
BootPlan plan_for(const std::string& model, int vcpus, const std::vector<std::string>& more = {}) {
  BootPlan plan;
  plan.kernel = model;
  plan.seed = 1;
  plan.meter = Meter::time;
  plan.pid_max = 1000;
  plan.command = {"/bin/pidns_races",    "--seconds", std::to_string(seconds()),       "--seed",
                  std::to_string(vcpus), "--depth",   std::to_string(depths_of(model))};
  plan.command.insert(plan.command.end(), more.begin(), more.end());
  // The cursor of 2.6.22 goes back where two CPUs cross.
  if (model == "multi+hash22") plan.command.emplace_back("--ids-may-return");
  return plan;
}

double wall_limit() { return 300 + 4 * seconds(); }

std::map<std::string, std::filesystem::path> program() { return {{"/bin/pidns_races", paths().guest / "pidns_races"}}; }

/// The program on a kernel, with that many vCPUs. Its own time is more than `seconds`, as the guest boots before.
Result<Boot> race(const std::string& model, const std::string& profile, int vcpus,
                  const std::vector<std::string>& more = {}) {
  return boot(plan_for(model, vcpus, more), wall_limit(), program(), profile, kMemoryMib, vcpus);
}

void expect_well(const Result<Boot>& ended) {
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->report.command_status, 0) << ended->report.command_output;
  EXPECT_THAT(ended->report.command_output, testing::HasSubstr("operations:"));
  fmt::print("{}", ended->report.command_output);
}

class Races : public testing::TestWithParam<std::string> {};

// In `make check` on 2 CPUs of a kernel that the other suites have built, which sees little of itself.
TEST_P(Races, NothingBreaks) {
  expect_well(all_models_wanted() ? race(GetParam(), "races", 4) : race(GetParam(), "mini", 2));
}

TEST_P(Races, NothingBreaksWhereAllocationsFail) {
  if (!all_models_wanted()) GTEST_SKIP() << "make check-models builds the kernels for it";
  expect_well(race(GetParam(), "races", 2, {"--faults"}));
}

// Two CPUs that touch a word at once without a lock and without saying so: KCSAN stops one of them at a random access
// for a while, and reports if another one comes by.
TEST_P(Races, NoDataRaceInWhatKeepsIds) {
  if (!all_models_wanted()) GTEST_SKIP() << "make check-models builds the kernels for it";
  expect_well(race(GetParam(), "kcsan", 4, {"--data-races"}));
}

/// In `make check` those whose allocation of ids differs.
std::vector<std::string> raced() {
  return all_models_wanted() ? models() : std::vector<std::string>{"multi", "multi+reserve", "flat+hash", "list+hash"};
}

INSTANTIATE_TEST_SUITE_P(Models, Races, testing::ValuesIn(raced()), test_name);

// free_pid() without the grace period that those need who found the pid just before. A kernel of another series shares
// no objects: this is left to `make check-models`.
constexpr const char* kBadPatch = R"(--- a/kernel/pid.c
+++ b/kernel/pid.c
@@ -655,7 +655,7 @@
 	}
 	spin_unlock_irqrestore(&pidmap_lock, flags);
 
-	call_rcu(&pid->rcu, delayed_put_pid);
+	delayed_put_pid(&pid->rcu);
 }
 
 struct pid *alloc_pid(struct pid_namespace *ns, pid_t *set_tid,
)";

TEST(BadModel, AMissingGracePeriodIsCaught) {
  if (!all_models_wanted()) GTEST_SKIP() << "make check-models builds the kernel for it";
  const TempFolder work = folder();
  Paths with_bad = paths();
  with_bad.root = work.path();
  std::filesystem::copy(paths().kernels_folder(), with_bad.kernels_folder(), std::filesystem::copy_options::recursive);
  const auto series = with_bad.kernels_folder() / "linux-6.12";
  must(write_file(series / "0099-bad.patch", kBadPatch));
  must(write_file(series / "series", must(read_file(series / "series")) + "0099-bad.patch\n"));
  const KernelTable table = must(load_kernel_table(with_bad.kernels_folder()));
  KernelSpec bad{must(table.base("linux-6.12")), must(table.profile("races")), must(table.model("multi"))};
  bad.model.build_base.reset();
  const Kernel kernel = must(KernelBuilder(with_bad).build(bad));
  BootSettings settings;
  settings.kernel = kernel.vmlinux();
  settings.initramfs = must(make_image(paths(), program())).file;
  settings.accelerator = Accelerator::tcg;
  settings.memory_mib = kMemoryMib;
  settings.vcpus = 4;
  settings.wall_limit_seconds = wall_limit();
  settings.folder = work.path() / "boot";
  settings.plugins = paths().plugins;
  must(make_folders(settings.folder));
  const auto ended = run_boot(plan_for("multi", settings.vcpus), settings);
  ASSERT_FALSE(ended) << "nobody noticed: " << ended->report.command_output;
  EXPECT_THAT(ended.error().message, testing::HasSubstr("KASAN"));
}

}  // namespace
}  // namespace nslab::lab
