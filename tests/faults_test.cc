// SPDX-License-Identifier: GPL-2.0
//
// What goes wrong, for real: each fault is committed by a booted guest, by a signal or by a full disk, must be
// recognised and named, and must leave nothing behind that could be taken for a result.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab_support.h"
#include "store.h"

namespace nslab::lab {
namespace {

using testing::HasSubstr;

constexpr const char* kExperiment = R"(
name = "faults"
profile = "mini"
boots = 3
limit_seconds = 2
[[measure]]
kernels = ["multi"]
depths = [0, 1]
benchmarks = ["getpid"]
)";

std::string failure(const std::string& fault, double wall_limit_seconds = 300, int limit_seconds = 2) {
  BootPlan plan = first_boot(kExperiment);
  plan.fault = fault;
  for (PlannedCell& cell : plan.cells) cell.limit_seconds = limit_seconds;
  const auto ended = boot(plan, wall_limit_seconds);
  return ended ? "complete" : ended.error().message;
}

TEST(Guest, WithoutAFaultTheBootIsComplete) { EXPECT_EQ(failure(""), "complete"); }

TEST(Guest, PanicIsNamedWithTheConsole) {
  const std::string message = failure("panic");
  EXPECT_THAT(message, HasSubstr("multi, seed 1: the kernel panicked: "));
  EXPECT_THAT(message, HasSubstr("Attempted to kill init!"));
  EXPECT_THAT(message, HasSubstr("the console's last lines:\n"));
}

TEST(Guest, OopsIsNamed) { EXPECT_THAT(failure("oops"), HasSubstr("sysrq triggered crash")); }

TEST(Guest, HangEndsAtItsLimitOfGuestTime) {
  EXPECT_THAT(failure("hang"), HasSubstr("the guest hung: the watchdog ended it at a cell's limit of guest time"));
}

// The device counts 30 s at the most; these 74 take it three more starts.
TEST(Guest, ALongLimitIsKeptToo) {
  EXPECT_EQ(failure("slow", 300, 74), "complete");
  EXPECT_THAT(failure("hang", 300, 74), HasSubstr("the watchdog ended it at a cell's limit of guest time"));
}

TEST(Guest, HangWithoutAWatchdogEndsAtTheWallLimit) {
  EXPECT_THAT(failure("deaf", 8), HasSubstr("the boot hung: no end within its wall limit of 8 s"));
}

TEST(Guest, FloodIsCut) { EXPECT_THAT(failure("flood"), HasSubstr("the guest floods its output: more than 4 MiB")); }

// Each lie, and what the host says of it.
TEST(Guest, LiesAreNamed) {
  const std::pair<const char*, const char*> lies[] = {
      {"bad-checksum", "frame 1 of the guest: bad checksum"},
      {"truncated", "frame 1 of the guest: truncated: "},
      {"oversized", "frame 1 of the guest: it claims 2147483648 bytes, the limit is 1048576"},
      {"wrong-count",
       "the closing frame's counts are wrong: it says 3 cells in 4 frames, 2 cells came in 3 frames, 2 were planned"},
      {"no-end", "the boot has no closing frame: 2 of 2 cells came"},
      {"duplicate", "frame 2 of the guest: it is for cell 0"},
      {"garbage", "frame 2 of the guest: no frame starts at byte "},
      {"bad-json", "frame 1 of the guest: its payload is no JSON object"},
      {"early-exit", "the boot has no closing frame: 1 of 2 cells came"},
      {"failed-cell", "failed: the plan asked for it"},
  };
  for_each_in_parallel(lies,
                       [](const auto& lie) { EXPECT_THAT(failure(lie.first), HasSubstr(lie.second)) << lie.first; });
}

class RunTest : public testing::Test {
 protected:
  RunTest() : work_(folder()) {
    kernel("multi");  // outside the times below
    must_write(config(), kExperiment);
  }
  static void must_write(const std::filesystem::path& file, const std::string& text) {
    ASSERT_TRUE(write_file(file, text));
  }

  std::string config() const { return (work_.path() / "faults.toml").string(); }
  std::string results() const { return (work_.path() / "results").string(); }
  std::vector<std::string> run_arguments() const {
    return {"run", config(), "--force-profile", "--jobs", "1", "--results", results()};
  }
  /// Starts a run and waits until it has stored `boots` boots.
  Process start_until(int boots) const {
    Command command = nslab_command(run_arguments());
    command.output = work_.path() / "log";
    Process process = must(Process::start(command));
    for (int i = 0; i < 1200 && stored() < boots; ++i)
      EXPECT_FALSE(process.wait_for(0.1)) << *read_file(command.output);
    EXPECT_GE(stored(), boots);
    return process;
  }
  int stored() const {
    if (!std::filesystem::exists(results() + "/nslab.sqlite")) return 0;
    auto store = Store::open_existing(results());
    if (!store) return 0;
    const auto run = store->run(std::nullopt);
    return run ? run->boots_done : 0;
  }
  /// The same command to the end; returns what it said.
  std::string go_on() const {
    const Captured ended = nslab(run_arguments());
    EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
    EXPECT_EQ(stored(), 3);
    EXPECT_EQ(must(Store::open_existing(results())).runs()->size(), 1U) << "the run was continued, not begun anew";
    return ended.output;
  }

  const TempFolder work_;
};

TEST_F(RunTest, AFailedBootIsToldAndNeverStored) {
  auto arguments = run_arguments();
  arguments.insert(arguments.end(), {"--fault", "bad-checksum"});
  const Captured ended = nslab(arguments);
  EXPECT_EQ(WEXITSTATUS(ended.status), 1);
  EXPECT_THAT(ended.output, HasSubstr("bad checksum"));
  EXPECT_THAT(ended.output, HasSubstr(results() + "/failed/multi-seed1"));
  EXPECT_TRUE(std::filesystem::exists(results() + "/failed/multi-seed1/console.log"));
  EXPECT_EQ(stored(), 0);
}

TEST_F(RunTest, OneBadKernelDoesNotKeepTheOthersFromBeingMeasured) {
  kernel("none");
  std::string both = kExperiment;
  both.replace(both.find("[\"multi\"]"), 9, "[\"multi\", \"none\"]");
  must_write(config(), both);
  auto arguments = run_arguments();
  arguments.insert(arguments.end(), {"--fault", "multi:panic"});
  const Captured ended = nslab(arguments);
  EXPECT_EQ(WEXITSTATUS(ended.status), 1);
  EXPECT_THAT(ended.output, HasSubstr("FAILED: multi, seed 1: the kernel panicked: "));
  EXPECT_THAT(ended.output, HasSubstr("multi, seed 3: not booted, because 2 boots of this kernel have failed"));
  EXPECT_THAT(ended.output, HasSubstr("others of their kernel had failed: multi 3. The 3 others are stored"));
  EXPECT_EQ(stored(), 3);
  const Captured report = nslab({"report", results()});
  EXPECT_EQ(WEXITSTATUS(report.status), 0) << report.output;
  EXPECT_THAT(
      report.output,
      HasSubstr(
          "FAILED: 2 boots of multi (seeds 1, 2); 1 boot not tried. The first: multi, seed 1: the kernel panicked"));
  EXPECT_THAT(report.output, testing::ContainsRegex("getpid .*failed"));

  // Without the fault it is another experiment, whose boots of 'none' are known.
  const Captured mended = nslab(run_arguments());
  EXPECT_EQ(WEXITSTATUS(mended.status), 0) << mended.output;
  EXPECT_THAT(mended.output, HasSubstr("3 of 6 boots are stored already and are not measured again"));
  EXPECT_EQ(stored(), 6);
}

TEST_F(RunTest, BootsAreMeasuredOnceHoweverTheExperimentIsEdited) {
  EXPECT_EQ(WEXITSTATUS(nslab(run_arguments()).status), 0);
  std::string four = kExperiment;
  four.replace(four.find("boots = 3"), 9, "boots = 4\nstatistic = \"minimum\"");
  must_write(config(), four);
  const Captured more = nslab(run_arguments());
  EXPECT_EQ(WEXITSTATUS(more.status), 0) << more.output;
  EXPECT_THAT(more.output, HasSubstr("3 of 4 boots are stored already and are not measured again"));
  EXPECT_THAT(nslab({"report", results()}).output, HasSubstr("minimum")) << "what was edited counts";
  must_write(config(), kExperiment);
  const Captured again = nslab(run_arguments());
  EXPECT_THAT(again.output, HasSubstr("3 of 3 boots are stored already"));
  EXPECT_EQ(stored(), 3) << "reports show what was asked for last";
}

TEST_F(RunTest, KilledRunLosesNothingThatWasFinished) {
  {
    Process run = start_until(1);
    run.kill(SIGKILL);
    EXPECT_TRUE(run.wait_for(10));
  }
  const int before = stored();
  EXPECT_THAT(go_on(), HasSubstr(fmt::format("{} of 3 boots are stored", before)));
}

TEST_F(RunTest, InterruptedRunSaysHowToGoOn) {
  {
    Process run = start_until(1);
    run.kill(SIGINT);
    const auto status = run.wait_for(20);
    ASSERT_TRUE(status);
    EXPECT_EQ(WEXITSTATUS(*status), 1);
    EXPECT_THAT(
        *read_file(work_.path() / "log"),
        HasSubstr("interrupted: kernels and boots that were finished are kept, and the same command uses them"));
  }
  go_on();
}

TEST_F(RunTest, QemuKilledIsNamed) {
  Process run = start_until(1);
  // The run's only child at this time is a QEMU.
  std::optional<int> status;
  for (int i = 0; i < 100 && !status; ++i) {
    must(run_captured({.argv = {"pkill", "-KILL", "-P", std::to_string(run.pid()), "qemu"}}));
    status = run.wait_for(0.1);
  }
  ASSERT_TRUE(status);
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_THAT(*read_file(work_.path() / "log"), HasSubstr("QEMU died: signal 9 (Killed)"));
  go_on();
}

TEST_F(RunTest, FullDiskIsToldAndNothingStoredIsLost) {
  // A disk of 1 MiB in a mount namespace of its own, filled but for a little; then the space is given back.
  std::string words;
  for (const std::string& word : nslab_command(run_arguments()).argv) words += "'" + word + "' ";
  const std::string script = fmt::format(
      "mkdir -p '{0}' && mount -t tmpfs -o size=1m tmpfs '{0}' || exit 99\n"
      "head -c 992k /dev/zero > '{0}/ballast'\n"
      "{1}; first=$?\n"
      "rm '{0}/ballast'\n"
      "{1}; second=$?\n"
      "echo \"first $first second $second\"",
      results(), words);
  const Captured ended = must(run_captured(
      {.argv = {"unshare", ::geteuid() == 0 ? "-m" : "-rm", "sh", "-c", script}, .inherits_environment = true}));
  EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("first 3 second 0"));
  EXPECT_THAT(ended.output, HasSubstr("make room on that disk and give the same command again"));
  EXPECT_THAT(ended.output, HasSubstr("3 boots stored"));
}

// QEMU runs as nobody when root starts it, and must be able to read what a careful umask hides from others.
TEST_F(RunTest, ACarefulUmaskHidesNothingFromQemu) {
  std::string words;
  for (const std::string& word : nslab_command(run_arguments()).argv) words += "'" + word + "' ";
  const Captured ended =
      must(run_captured({.argv = {"sh", "-c", "umask 077; exec " + words}, .inherits_environment = true}));
  EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  EXPECT_EQ(stored(), 3);
}

TEST_F(RunTest, TwoRunsInOneFolderAreRefused) {
  Process first = start_until(1);
  first.kill(SIGSTOP);  // on a busy host it would otherwise be done before the second has begun
  const Captured second = nslab(run_arguments());
  EXPECT_EQ(WEXITSTATUS(second.status), 2);
  EXPECT_THAT(second.output, HasSubstr("another nslab runs in"));
}

TEST(Cli, OutputThatIsLostIsAnErrorUnlessNobodyReadsOn) {
  const std::string program = "'" + nslab_command({}).argv[0] + "' ";
  const std::string text_run =
      fmt::format("report '{}' ", must(find_paths()).named("results/reference/smoke").string());
  const auto ended = [&](const std::string& words) {
    return WEXITSTATUS(must(run_captured({.argv = {"bash", "-c", "set -o pipefail; " + program + words},
                                          .inherits_environment = true}))
                           .status);
  };
  EXPECT_EQ(ended("bench list >/dev/full"), 3);
  EXPECT_EQ(ended("--help >/dev/full"), 3);
  EXPECT_EQ(ended(text_run + ">/dev/full"), 3);
  EXPECT_EQ(ended("bench list >&-"), 3);
  EXPECT_EQ(ended("bench list 2>&- >/dev/null"), 0);
  const TempFolder work = folder();
  const std::string output = work.path().string();
  EXPECT_EQ(ended(text_run + "--output '" + output + "' | head -1"), 0);
  EXPECT_TRUE(std::filesystem::exists(output + "/report.md")) << "plots and tables are written all the same";
}

TEST(Cli, MistakesHaveTheirExitCodes) {
  EXPECT_EQ(WEXITSTATUS(nslab({"--help"}).status), 0);
  EXPECT_EQ(WEXITSTATUS(nslab({"run"}).status), 2);
  EXPECT_EQ(WEXITSTATUS(nslab({"run", "/nowhere.toml"}).status), 2);
  EXPECT_EQ(WEXITSTATUS(nslab({"report", "/nowhere"}).status), 2);
  const TempFolder work = folder();
  const std::string config = (work.path() / "mini.toml").string();
  ASSERT_TRUE(write_file(config, kExperiment));
  const Captured unforced = nslab({"run", config, "--results", work.path().string()});
  EXPECT_EQ(WEXITSTATUS(unforced.status), 2);
  EXPECT_THAT(unforced.output, HasSubstr("profile 'mini' is not for measurement"));
  const Captured kvm = nslab({"run", config, "--force-profile", "--accel", "kvm", "--results", work.path().string()});
  EXPECT_EQ(WEXITSTATUS(kvm.status), 2);
  EXPECT_THAT(kvm.output,
              HasSubstr("the instructions meter has no accelerator 'kvm'; there are: tcg (instructions meter)"));
}

}  // namespace
}  // namespace nslab::lab
