// SPDX-License-Identifier: GPL-2.0
//
// Attribution with real kernels: counting changes no sample, adds up to each of them, finds what was added to a kernel,
// and says what is wrong when QEMU does not take the plugin or the plugin dies. And what the other plugin, the guard,
// mends.
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "lab_support.h"
#include "run.h"
#include "store.h"

namespace nslab::lab {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Of each kind: nothing but calls, faults and copies, threads, programs loaded, signals, many processes, files, user
// code that leaves by exceptions, cells in which the guest waits, and (sched_setaffinity) a jump that lies on two
// pages.
constexpr const char* kExperiment = R"(
name = "attribution"
profile = "mini"
boots = 1
ATTRIBUTION
[[measure]]
kernels = ["multi"]
depths = [0, 2]
benchmarks = [
  "empty", "getpid", "fork_exit_wait", "vfork_exit_wait", "thread_create_join", "pidns_create", "fork_exec_static",
  "fork_exec_dynamic", "execl", "kill_child", "kill_group_200", "proc_readdir_100", "futex_pi_owner",
  "ptrace_seize_detach", "shell1", "sched_setaffinity",
]
)";

std::string experiment(bool attribution) {
  std::string text = kExperiment;
  const std::string word = "ATTRIBUTION";
  return text.replace(text.find(word), word.size(), attribution ? "attribution = true\nmemory_accesses = true" : "");
}

TEST(Attribution, ChangesNoSampleAndAddsUpToEach) {
  const TempFolder work = folder();
  const auto plain = measure(work.path() / "plain", experiment(false));
  const Load load;
  // A boot whose functions do not add up to its samples fails.
  const auto counted = measure(work.path() / "counted", experiment(true));
  expect_equal(plain, counted);

  Store store = must(Store::open_existing((work.path() / "counted").string()));
  const auto boots = must(store.boots(must(store.run(std::nullopt)).id));
  ASSERT_EQ(boots.size(), 1U);
  for (const Sample& sample : boots[0].samples) {
    const CallTree tree = must(store.tree(boots[0].key, sample.depth, sample.benchmark));
    EXPECT_EQ(tree.sum(), sample.sum) << sample.benchmark;
    std::uint64_t unplaced = 0;
    std::uint64_t program_of_earlier_tasks = 0;
    for (const CallTree::Node& node : tree.nodes) {
      std::uint32_t top = static_cast<std::uint32_t>(&node - tree.nodes.data());
      while (top != 0 && tree.nodes[top].parent != 0) top = tree.nodes[top].parent;
      const std::string& name = tree.functions[tree.nodes[top].function].name;
      if (name == "[unplaced]") unplaced += node.instructions;
      const bool of_program = !tree.functions[node.function].object.empty();
      if (name == "[earlier task]" && of_program) program_of_earlier_tasks += node.instructions;
    }
    EXPECT_LE(unplaced, tree.sum() / 100) << sample.benchmark;
    // The benchmark itself is no such task, though it was there when counting began.
    EXPECT_EQ(program_of_earlier_tasks, 0U) << sample.benchmark;
    // A repetition of nothing reads and writes nothing, but for timer ticks.
    std::uint64_t accesses = 0;
    for (const CallTree::Accesses& of_one : tree.accesses) accesses += of_one.loads + of_one.stores;
    if (sample.benchmark == "empty") {
      EXPECT_LE(accesses, sample.sum - sample.minimum * sample.iterations);
    } else {
      EXPECT_GT(accesses, sample.iterations) << sample.benchmark;
      EXPECT_LT(accesses, 2 * sample.sum) << sample.benchmark;
    }
  }
}

// multi-known executes 100 instructions more in each allocation of a pid and 10 in each lookup of one.
TEST(Attribution, FindsWhatWasAddedByName) {
  const TempFolder work = folder();
  const Captured ended = nslab({"why", "multi", "multi-known", "fork_exit_wait", "--depth", "1", "--boots", "2",
                                "--profile", "mini", "--force-profile", "--results", (work.path() / "why").string(),
                                "--output", (work.path() / "out").string()});
  ASSERT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  const json why = json::parse(must(read_file(work.path() / "out/why.json")));
  double lookups = 0;
  double changed = 0;
  for (const json& function : why.at("functions")) {
    if (function.at("code") != "changed") continue;
    const double difference = function.at("difference");
    changed += difference;
    EXPECT_TRUE(function.at("exact")) << function;
    if (function.at("function") == "alloc_pid") {
      EXPECT_DOUBLE_EQ(difference, 100);
    } else if (function.at("function") == "__task_pid_nr_ns") {
      lookups = function.at("calls_a");
      EXPECT_NEAR(difference, 10 * lookups, 1e-9);
    } else {
      EXPECT_DOUBLE_EQ(difference, 0) << function;
    }
  }
  EXPECT_GE(lookups, 1);
  EXPECT_NEAR(changed, 100 + 10 * lookups, 1e-9);
  EXPECT_NEAR(why.at("changed").at("difference").get<double>(), changed, 1e-9);

  // What others read.
  for (const char* name : {"a", "b"}) {
    const auto file = (work.path() / "out" / ("callgrind.out." + std::string(name))).string();
    const Captured annotated = must(run_captured({.argv = {"callgrind_annotate", file}}));
    EXPECT_EQ(WEXITSTATUS(annotated.status), 0) << annotated.output;
    EXPECT_THAT(annotated.output, HasSubstr(":copy_process [vmlinux]"));
  }
  EXPECT_THAT(must(read_file(work.path() / "out/flame.svg")), HasSubstr("<title>alloc_pid: "));
}

// A run that counts keeps what its differences are made of, in its store and in its text form.
TEST(Attribution, AReportNamesTheFunctions) {
  const TempFolder work = folder();
  const std::string results = (work.path() / "results").string();
  const std::string text = (work.path() / "text").string();
  const std::string config = (work.path() / "known.toml").string();
  must(write_file(config,
                  "name = \"known\"\nprofile = \"mini\"\nboots = 2\nreference = \"multi\"\nattribution = true\n"
                  "isolation = \"boot\"\n[[measure]]\nkernels = [\"multi\", \"multi-known\"]\ndepths = [0]\n"
                  "benchmarks = [\"fork_exit_wait\"]\n"));
  const Captured ran = nslab({"run", config, "--force-profile", "--results", results});
  ASSERT_EQ(WEXITSTATUS(ran.status), 0) << ran.output;
  const Captured exported = nslab({"export", results, "--output", text});
  ASSERT_EQ(WEXITSTATUS(exported.status), 0) << exported.output;
  for (const std::string& from : {results, text}) {
    const Captured report =
        nslab({"report", from, "--output", (work.path() / "page").string(), "--format", "markdown"});
    ASSERT_EQ(WEXITSTATUS(report.status), 0) << report.output;
    EXPECT_THAT(report.output, HasSubstr("Which functions make the difference"));
    EXPECT_THAT(report.output, HasSubstr("alloc\\_pid +100 exact (changed)"));
  }
}

TEST(Attribution, OneKernelHasTwoDepths) {
  const TempFolder work = folder();
  const std::vector<std::string> command = {"why",
                                            "multi",
                                            "multi",
                                            "getpid",
                                            "--boots",
                                            "2",
                                            "--profile",
                                            "mini",
                                            "--force-profile",
                                            "--results",
                                            (work.path() / "why").string()};
  const Captured same = nslab(command);
  EXPECT_EQ(WEXITSTATUS(same.status), 2) << same.output;
  EXPECT_THAT(same.output, HasSubstr("both sides are multi at depth 0"));
  auto deeper = command;
  deeper.insert(deeper.end(), {"--depth-b", "3", "--by", "path"});
  const Captured ended = nslab(deeper);
  EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("It is one kernel"));
}

TEST(Attribution, ARefusedOperationHasNoInstructions) {
  const TempFolder work = folder();
  const Captured ended = nslab({"why", "multi", "flat", "getpid", "--depth", "2", "--boots", "2", "--profile", "mini",
                                "--force-profile", "--results", (work.path() / "why").string()});
  EXPECT_EQ(WEXITSTATUS(ended.status), 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("flat refuses getpid at depth 2 (EINVAL)"));
}

/// A folder of plugins with this one as the attribution plugin, and this one as the guard.
TempFolder plugins_with(const std::filesystem::path& attribution,
                        const std::filesystem::path& guard = paths().plugins / "guard.so") {
  TempFolder plugins = folder();
  std::filesystem::copy_file(guard, plugins.path() / "guard.so");
  std::filesystem::copy_file(attribution, plugins.path() / "attribution.so");
  return plugins;
}

/// What a boot with these plugins and symbols fails with.
Error failure_with(const std::filesystem::path& plugins, const SymbolTable& symbols, int seed = 1) {
  const TempFolder work = folder();
  const TempFolder boot = folder();
  BootSettings settings;
  settings.kernel = kernel("multi").vmlinux();
  settings.initramfs = must(make_image(paths())).file;
  settings.folder = boot.path();
  settings.plugins = plugins;
  settings.symbols = &symbols;
  const auto booted =
      run_boot(first_boot(fmt::format("name = \"plugin\"\nprofile = \"mini\"\nboots = 1\nfirst_seed = {}\n[[measure]]\n"
                                      "kernels = [\"multi\"]\ndepths = [0, 1]\nbenchmarks = [\"getpid\"]\n",
                                      seed)),
               settings);
  return booted ? Error{Exit::done, "it booted"} : booted.error();
}

TEST(Attribution, APluginThatQemuDoesNotTakeIsNamed) {
  const SymbolTable symbols = must(make_symbol_table(kernel("multi").vmlinux(), must(make_image(paths())).file));
  const std::filesystem::path good = paths().plugins / "attribution.so";
  const std::filesystem::path guard = paths().plugins / "guard.so";
  // A text, a library that is no plugin, and the plugins' names exchanged.
  const std::filesystem::path text = "/etc/passwd";
  const std::filesystem::path library = "/lib/x86_64-linux-gnu/libc.so.6";
  for (const auto& [first, second] :
       {std::pair(guard, text), {text, good}, {library, good}, {guard, library}, {good, good}}) {
    const Error error = failure_with(plugins_with(second, first).path(), symbols);
    EXPECT_EQ(error.exit, Exit::machine) << error.message;
    EXPECT_THAT(error.message, HasSubstr("QEMU does not take a plugin of nslab's"));
  }
  const TempFolder empty = folder();
  const Error missing = failure_with(empty.path(), symbols);
  EXPECT_EQ(missing.exit, Exit::machine);
  EXPECT_THAT(missing.message, HasSubstr("guard.so"));
}

TEST(Attribution, SymbolsThatAreCutShortEndTheBoot) {
  SymbolTable symbols = must(make_symbol_table(kernel("multi").vmlinux(), must(make_image(paths())).file));
  symbols.text.resize(symbols.text.size() / 2);
  const Error error = failure_with(paths().plugins, symbols);
  EXPECT_EQ(error.exit, Exit::says_no) << "the other kernels' may be whole";
  EXPECT_THAT(error.message, HasSubstr("multi, seed 1: the attribution plugin gave up: the symbols' file "));
}

TEST(Attribution, APluginThatExitsWithoutAWordEndsTheBoot) {
  const SymbolTable symbols = must(make_symbol_table(kernel("multi").vmlinux(), must(make_image(paths())).file));
  const Error error = failure_with(plugins_with(NSLAB_DYING).path(), symbols, 5);
  EXPECT_EQ(error.exit, Exit::says_no);
  EXPECT_THAT(error.message, HasSubstr("multi, seed 5: QEMU ended with exit status 1, and did not say why. The same "
                                       "boot without attribution shows whether nslab's plugin is to blame\n"));
}

/// A run of four boots with this attribution plugin, and what its store has then.
struct RunWith {
  Result<RunRecord> ended;
  RunRecord stored;
  std::vector<std::uint64_t> seeds = {};  ///< of the samples
};

RunWith run_with(const std::filesystem::path& attribution, const std::filesystem::path& results) {
  const TempFolder plugins = plugins_with(attribution);
  Paths with = paths();
  with.plugins = plugins.path();
  RunOptions options;
  options.results = results;
  options.jobs = 1;
  options.force_profile = true;
  const auto experiment =
      must(parse_experiment("name = \"plugin\"\nprofile = \"mini\"\nboots = 4\nattribution = true\n[[measure]]\n"
                            "kernels = [\"multi\"]\ndepths = [0, 1]\nbenchmarks = [\"getpid\"]\n",
                            "test"));
  auto ended = run_experiment(experiment, with, options);
  Store store = must(Store::open_existing(results.string()));
  RunWith run{std::move(ended), must(store.run(std::nullopt))};
  for (const Sample& sample : must(store.samples(run.stored.id))) run.seeds.push_back(sample.seed);
  return run;
}

/// The same with the right plugin goes on to the end.
void expect_end(const std::filesystem::path& results) {
  const RunWith run = run_with(paths().plugins / "attribution.so", results);
  ASSERT_TRUE(run.ended) << run.ended.error().message;
  EXPECT_EQ(run.stored.boots_done, 4);
  EXPECT_TRUE(run.stored.failures.empty());
  EXPECT_THAT(run.seeds, testing::UnorderedElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
}

// No boot can succeed with it: the first one ends the run.
TEST(Attribution, APluginOfAnotherVersionEndsTheRun) {
  const TempFolder results = folder();
  const RunWith run = run_with(NSLAB_OTHER_VERSION, results.path());
  ASSERT_FALSE(run.ended);
  EXPECT_EQ(run.ended.error().exit, Exit::machine);
  EXPECT_THAT(run.ended.error().message, HasSubstr("QEMU does not take a plugin of nslab's: "));
  EXPECT_THAT(run.ended.error().message, HasSubstr("plugin requires API version 1000, but this QEMU supports only"));
  EXPECT_THAT(run.ended.error().message, HasSubstr("build nslab again (make nslab), and give the same command again"));
  EXPECT_EQ(run.stored.boots_done, 0);
  EXPECT_TRUE(run.seeds.empty());
  expect_end(results.path());
}

TEST(Attribution, APluginThatDiesFailsItsBootAndNoOther) {
  const TempFolder results = folder();
  const RunWith run = run_with(NSLAB_DYING, results.path());
  ASSERT_FALSE(run.ended);
  EXPECT_EQ(run.ended.error().exit, Exit::says_no);
  EXPECT_THAT(run.ended.error().message, HasSubstr("multi 2. The 2 others are stored"));
  EXPECT_THAT(run.ended.error().message, HasSubstr("The same command tries the failed boots again"));
  EXPECT_EQ(run.stored.boots_done, 2);
  EXPECT_THAT(run.seeds, testing::UnorderedElementsAre(1, 1, 3, 3));
  EXPECT_THAT(must(read_file(results.path() / "failed/multi-seed2/frames.bin")), HasSubstr("\"type\":\"cell\""))
      << "it had a sample";
  ASSERT_EQ(run.stored.failures.size(), 2U);
  EXPECT_THAT(run.stored.failures[0].error,
              HasSubstr("multi, seed 2: QEMU died: signal 6 (Aborted). The same boot without attribution shows "
                        "whether nslab's plugin is to blame\nQEMU's last words: terminate called without an active "
                        "exception\n"));
  EXPECT_THAT(run.stored.failures[1].error,
              HasSubstr("multi, seed 4: the attribution plugin gave up: cannot write the output. Mend that and give "
                        "the same command again, or measure without attribution\n"));
  expect_end(results.path());
}

/// What tests/guest/flags_over_cmpxchg16b.cc ends with in a guest of so many vCPUs, with this plugin as the guard.
int status_of_flags(const std::filesystem::path& guard, int vcpus) {
  const TempFolder plugins = plugins_with(paths().plugins / "attribution.so", guard);
  const std::string program = "/bin/flags_over_cmpxchg16b";
  BootPlan plan;
  plan.kernel = "multi";
  plan.seed = 1;
  plan.pid_max = 4096;
  plan.command = {program};
  const Boot booted = must(boot(plan, 300, {{program, paths().guest / "flags_over_cmpxchg16b"}}, "mini",
                                BootSettings{}.memory_mib, vcpus, plugins.path()));
  fmt::print("{}", booted.report.command_output);
  return booted.report.command_status;
}

TEST(Guard, KeepsTheFlagsSoundOverCmpxchg16b) {
  const std::filesystem::path guard = paths().plugins / "guard.so";
  EXPECT_EQ(status_of_flags(NSLAB_IDLE, 1), 1) << "this QEMU needs no guard for it";
  EXPECT_EQ(status_of_flags(guard, 1), 0);
  EXPECT_EQ(status_of_flags(guard, 2), 0);
}

}  // namespace
}  // namespace nslab::lab
