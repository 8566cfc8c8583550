// SPDX-License-Identifier: GPL-2.0
#include <algorithm>
#include <cctype>
#include <cstring>

#include "condition.h"
#include "files.h"
#include "loaded_run.h"
#include "output.h"
#include "run.h"
#include "run_differences.h"
#include "store.h"
#include "terminal.h"
#include "text.h"
#include "verb.h"
#include "why.h"
#include "words.h"

namespace nslab::verb_why {
namespace fs = std::filesystem;

namespace {

struct WhyArguments {
  std::string a;
  std::string b;
  std::string benchmark;
  int depth = 0;
  int depth_b = -1;
  std::string condition = "quiet";
  std::string condition_b;
  int boots = 10;
  int first_seed = 1;
  int repetitions = 0;
  int memory_mib = 512;
  int limit_seconds = 30;
  int jobs = 0;
  std::string profile = "lean";
  std::string by = "function";
  std::string format = "text";
  std::string results;
  std::string output;
  bool memory = false;
  bool all = false;
  bool force_profile = false;
};

void declare_arguments(Arguments& arguments, WhyArguments& values) {
  arguments.positional("A", values.a, "the baseline: a kernel", "KERNEL");
  arguments.positional("B", values.b, "the kernel that is compared with it: differences are B - A", "KERNEL");
  arguments.positional("BENCHMARK", values.benchmark, "one of 'nslab bench list'", "BENCHMARK");
  arguments.option("--depth", values.depth, 0, 32, "pid namespaces below the initial one (default: 0)");
  arguments.option("--depth-b", values.depth_b, -1, 32, "another depth for B; -1: the same (the default)");
  arguments.option("--condition", values.condition, "the condition, as 'host' (docs/conditions.md)", "NAME");
  arguments.option("--condition-b", values.condition_b, "another condition for B (default: the same)", "NAME");
  arguments.option("--boots", values.boots, 2, 1000, "boots of each side, one a seed (default: 10)");
  arguments.option("--first-seed", values.first_seed, 1, 1'000'000'000, "the seeds begin here (default: 1)");
  arguments.option("--repetitions", values.repetitions, 1, kMostRepetitions,
                   "of the operation in each boot (default: as 'nslab bench list' says)");
  arguments.option("--memory-mib", values.memory_mib, 128, 65'536, "the guest's memory (default: 512)");
  arguments.option("--limit-seconds", values.limit_seconds, 2, 3600,
                   "guest seconds that a boot's operations may take, an even number (default: 30)");
  arguments.option("--jobs,-j", values.jobs, 1, 1024, "boots at once (default: as many as cores)");
  arguments.option("--profile", values.profile, "the kernels' profile", "PROFILE");
  arguments.choice("--by", values.by, {"function", "path"}, "tables of functions, or the tree of calls");
  arguments.choice("--format", values.format, {"text", "markdown", "json"}, "how it is printed");
  arguments.option("--results", values.results, "folder that keeps the boots (default: results/why)", "FOLDER");
  arguments.option("--output", values.output, "write all forms, flame graph and exports into this folder", "FOLDER");
  arguments.flag("--all", values.all, "show all functions and paths, not the largest differences alone");
  arguments.flag("--memory", values.memory, "count loads and stores as well (takes longer)");
  arguments.flag("--force-profile", values.force_profile, "count on a profile that is not for measurement");
}

/// Both sides in one experiment: what is wrong with either is said before anything is measured. A guest a cell, so that
/// no other cell's leavings are in it.
Result<Experiment> experiment_for(const WhyArguments& arguments, const HeadlineDifference& difference) {
  for (const std::string* name : {&arguments.a, &arguments.b, &arguments.benchmark, &arguments.profile}) {
    // A file's name may have more letters, but none that would end its text in the experiment.
    const bool given = names_given_kernel(*name);
    const auto is_of_names = [&](unsigned char c) {
      if (given) return c >= ' ' && c != '"' && c != '\\' && c != 0x7f;
      return std::isalnum(c) != 0 || std::strchr("+-_.", c) != nullptr;
    };
    if (name->empty() || !std::all_of(name->begin(), name->end(), is_of_names)) {
      return user_error("'{}' is no name: letters, digits, '+', '-' and '_'", without_controls(*name));
    }
  }
  std::string text = fmt::format(
      "name = \"{}\"\nprofile = \"{}\"\nboots = {}\nfirst_seed = {}\nisolation = \"boot\"\nattribution = true\n"
      "memory_accesses = {}\nmemory_mib = {}\nlimit_seconds = {}\n",
      kWhyExperiment, arguments.profile, arguments.boots, arguments.first_seed, arguments.memory, arguments.memory_mib,
      arguments.limit_seconds);
  const HeadlineDifference& d = difference;
  for (const auto& [kernel, depth, condition] :
       {std::tuple(d.baseline, d.baseline_depth, d.baseline_condition), std::tuple(d.kernel, d.depth, d.condition)}) {
    text +=
        fmt::format("[[measure]]\nkernels = [\"{}\"]\ndepths = [{}]\nbenchmarks = [\"{}\"]\nconditions = [\"{}\"]\n",
                    kernel, depth, arguments.benchmark, condition);
    if (arguments.repetitions != 0) text += fmt::format("repetitions = {}\n", arguments.repetitions);
  }
  Experiment experiment = TRY(parse_experiment(text, "the experiment of 'nslab why'"));
  experiment.profile_where = "the command line";
  for (Measure& measure : experiment.measures) measure.where = "the command line";
  return experiment;
}

/// The folder may keep earlier answers. Another experiment's report would show one of them in its place.
Result<void> check_results(const fs::path& results) {
  std::error_code error;
  if (!fs::exists(results / "nslab.sqlite", error)) return {};
  for (const RunRecord& run : TRY(TRY(Store::open_existing(results.string())).runs())) {
    if (run.experiment == kWhyExperiment) continue;
    return user_error("{} has results of '{}': name a folder of its own with --results", results.string(),
                      run.experiment);
  }
  return {};
}

/// A refusal is a result of its own: there is nothing to compare.
Result<void> check_refusals(const std::vector<BootRecord>& boots) {
  for (const BootRecord& boot : boots) {
    for (const Sample& sample : boot.samples) {
      if (sample.status != CellStatus::refused) continue;
      return negative_result("{} refuses {} at depth {} ({}): there is nothing to compare", boot.kernel,
                             sample.benchmark, sample.depth, sample.refusal);
    }
  }
  return {};
}

/// The answer, below what makes the run's figures no good.
Document document_of(const RunRecord& run, const WhyQuestion& question, const Why& why, WhyBy by, bool all) {
  Document document = cautions(run);
  append(document, why_document(question, why, by, all));
  return document;
}

/// What --output writes. The first one says that the folder is one of ours.
constexpr const char* kFiles[] = {"why.json", "why.txt",  "why.md",          "paths.txt",      "flame.svg",
                                  "a.folded", "b.folded", "callgrind.out.a", "callgrind.out.b"};

/// Another program's files are not written over.
Result<void> check_output(const fs::path& folder) {
  TRY(make_folders(folder));
  if (is_there(folder / kFiles[0])) return {};
  for (const char* file : kFiles) {
    if (!is_there(folder / file)) continue;
    return user_error("{} is there, and 'nslab why' did not write it: name another folder with --output",
                      (folder / file).string());
  }
  return {};
}

/// All files or, where the disk is full, none: an older answer stays whole.
Result<void> write_all(const fs::path& folder, const RunRecord& run, const WhyQuestion& question, const Why& why) {
  const TempFolder made = TRY(TempFolder::make(folder, ".why"));
  const Document document = document_of(run, question, why, WhyBy::function, true);
  const std::string contents[] = {to_text(why_json(question, why), 1) + "\n",
                                  render_text(document, 0),
                                  render_markdown(document),
                                  render_text(document_of(run, question, why, WhyBy::path, true), 0),
                                  flame_graph(question, why),
                                  folded_stacks(question.a),
                                  folded_stacks(question.b),
                                  callgrind_profile(question.a, question.benchmark),
                                  callgrind_profile(question.b, question.benchmark)};
  static_assert(std::size(contents) == std::size(kFiles));
  for (std::size_t i = 0; i < std::size(kFiles); ++i) TRY(write_file(made.path() / kFiles[i], contents[i]));
  for (const char* file : kFiles) {
    std::error_code error;
    fs::rename(made.path() / file, folder / file, error);
    if (error) return machine_error("cannot write {}: {}", (folder / file).string(), error.message());
  }
  print_err("nslab: the answer in all forms is in {}\n", folder.string());
  return {};
}

Result<void> act(const WhyArguments& arguments) {
  const auto paths = TRY(find_paths());
  const int depth_b = arguments.depth_b < 0 ? arguments.depth : arguments.depth_b;
  const std::string condition = name_of(TRY(condition_from(arguments.condition)));
  const std::string condition_b =
      arguments.condition_b.empty() ? condition : name_of(TRY(condition_from(arguments.condition_b)));
  const HeadlineDifference difference{arguments.benchmark, arguments.b, depth_b,  arguments.a,
                                      arguments.depth,     condition_b, condition};
  if (arguments.a == arguments.b && arguments.depth == depth_b && condition == condition_b) {
    return user_error("both sides are {} at depth {}: name two kernels, or give --depth-b or --condition-b",
                      arguments.a, depth_b);
  }
  const fs::path results = arguments.results.empty() ? paths.results / "why" : fs::path(arguments.results);
  TRY(check_results(results));
  if (!arguments.output.empty()) TRY(check_output(arguments.output));
  RunOptions options;
  options.results = results;
  options.jobs = arguments.jobs;
  options.force_profile = arguments.force_profile;
  const RunRecord run = TRY(run_experiment(TRY(experiment_for(arguments, difference)), paths, options));
  Store store = TRY(Store::open_existing(results.string()));
  const auto boots = TRY(store.boots(run.id));
  TRY(check_refusals(boots));
  auto differences = TRY(RunDifferences::make(paths, store, boots));
  WhyQuestion question = TRY(differences.question(difference, run.profile));
  question.first_seed = static_cast<std::uint64_t>(arguments.first_seed);
  const Why why = explain(question);
  if (arguments.format == "json") {
    print_out("{}\n", to_text(why_json(question, why), 1));
  } else {
    const Document document =
        document_of(run, question, why, arguments.by == "path" ? WhyBy::path : WhyBy::function, arguments.all);
    print_out("{}",
              arguments.format == "markdown" ? render_markdown(document) : render_text(document, terminal_columns()));
  }
  if (!arguments.output.empty()) TRY(write_all(arguments.output, run, question, why));
  return {};
}

const RegisterVerb registered({
    .name = "why",
    .help = "take a difference between two kernels, depths or conditions apart: function by function",
    .examples =
        "  nslab why multi+cache flat+cache fork_exit_wait --depth 1      what flatness changes\n"
        "  nslab why multi multi fork_exit_wait --depth 0 --depth-b 16    what levels cost\n"
        "  nslab why multi multi vfork_exit_wait --depth 1 --condition-b host   what the state of a host costs\n"
        "  nslab why multi flat getpid --output /tmp/why                  with a flame graph and exports",
    .declare = verb_body<WhyArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_why
