// SPDX-License-Identifier: GPL-2.0
//
// Two revisions of a source tree, or a range of them: what does a patch cost, and which one of many made the
// difference.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "compare.h"
#include "condition.h"
#include "experiment.h"
#include "explain_run.h"
#include "files.h"
#include "headlines.h"
#include "loaded_run.h"
#include "output.h"
#include "report_document.h"
#include "report_files.h"
#include "run.h"
#include "signals.h"
#include "source_tree.h"
#include "terminal.h"
#include "text.h"
#include "verb.h"
#include "words.h"
#include "wrap.h"

namespace nslab::verb_ab {
namespace fs = std::filesystem;

namespace {

struct AbArguments {
  std::string tree;
  std::string a;
  std::string b;
  std::string benchmarks = "getpid,fork_exit_wait,vfork_exit_wait,thread_create_join";
  std::string depths = "0,1";
  std::string condition = "quiet";
  std::string profile = "lean";
  std::string config;
  std::string results;
  std::string format = "lkml";
  std::string fail_if;
  int boots = 5;
  int jobs = 0;
  bool force_profile = false;
  bool every = false;
  bool llvm = false;
};

void declare_arguments(Arguments& arguments, AbArguments& values) {
  arguments.positional("TREE", values.tree, "a git repository of Linux", "FOLDER");
  arguments.positional("A", values.a, "the baseline: a revision; or A..B, a range of them");
  arguments.optional_positional("B", values.b, "the revision that is compared with it; '.': the tree as it is");
  arguments.option("--bench", values.benchmarks, "the benchmarks, from 'nslab bench list'", "NAME,…");
  arguments.option("--depth", values.depths, "pid namespaces below the initial one", "N,…");
  arguments.option("--condition", values.condition, "the condition (docs/conditions.md)", "NAME");
  arguments.option("--boots", values.boots, 2, 1000, "boots of each side, one a seed (default: 5)");
  arguments.option("--profile", values.profile, "how the kernels are configured, as far as this source has it",
                   "PROFILE");
  arguments.option("--config", values.config, "a .config in place of the profile", "FILE");
  arguments.flag("--llvm", values.llvm, "build by clang and LLVM's other tools, in place of gcc");
  arguments.option(
      "--fail-if", values.fail_if,
      "end with 1 when a difference is larger, as 'fork_exit_wait>0.1%' or 'getpid>2'; several with commas", "LIMIT,…");
  arguments.choice("--format", values.format, {"lkml", "text", "markdown", "json"},
                   "how it is printed; lkml: plain ASCII of at most 72 columns, for a commit message");
  arguments.option("--results", values.results, "folder that keeps the boots (default: results/ab)", "FOLDER");
  arguments.option("--jobs,-j", values.jobs, 1, 1024, "compilations and boots at once (default: as many as cores)");
  arguments.flag("--every", values.every,
                 "of a range, measure every commit, in place of halving where the ends differ");
  arguments.flag("--force-profile", values.force_profile, "measure on a profile that is not for measurement");
}

/// A difference of b from a that is too large: in per cent of a, or in the meter's unit.
struct Limit {
  std::string text;
  std::string benchmark;
  double most = 0;
  bool percent = false;
};

Result<std::vector<Limit>> limits_of(const AbArguments& arguments) {
  std::vector<Limit> limits;
  const auto measured = split_at(arguments.benchmarks, ',');
  for (std::string text : split_at(arguments.fail_if, ',')) {
    std::erase(text, ' ');
    const auto wrong = [&, &said = text](const char* why) {
      return user_error("--fail-if {}: {}; it is a benchmark, '>' and a number, as 'fork_exit_wait>0.1%' or 'getpid>2'",
                        said, why);
    };
    Limit limit{.text = text, .benchmark = text.substr(0, text.find('>'))};
    if (limit.benchmark.size() == text.size()) return wrong("there is no '>'");
    std::string number = text.substr(limit.benchmark.size() + 1);
    limit.percent = number.ends_with('%');
    if (limit.percent) number.pop_back();
    const auto read = std::from_chars(number.data(), number.data() + number.size(), limit.most);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size()) return wrong("there is no number");
    if (!std::isfinite(limit.most) || limit.most < 0) return wrong("the number is not 0 or more");
    if (std::find(measured.begin(), measured.end(), limit.benchmark) == measured.end())
      return wrong("this benchmark is not measured");
    limits.push_back(std::move(limit));
  }
  return limits;
}

/// The name of the kernel at a revision.
std::string kernel_at(const AbArguments& arguments, const std::string& revision) {
  std::string name = "tree:" + arguments.tree;
  if (revision != ".") name += "@" + revision;
  if (arguments.llvm) name += ",llvm";
  return arguments.config.empty() ? name : name + ",config=" + arguments.config;
}

/// Text as a TOML string.
std::string quoted(const std::string& text) {
  std::string string = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') string += '\\';
    string += c;
  }
  return string + "\"";
}

/// The revisions' experiment. Differences are given against the first of them.
Result<Experiment> experiment_for(const AbArguments& arguments, const std::vector<std::string>& revisions) {
  if (arguments.depths.find_first_not_of("0123456789, ") != std::string::npos)
    return user_error("--depth {}: a list of numbers is expected, as 0,1", without_controls(arguments.depths));
  std::string benchmarks;
  for (const std::string& name : split_at(arguments.benchmarks, ','))
    benchmarks += (benchmarks.empty() ? "" : ", ") + quoted(name);
  std::vector<std::string> kernels;
  for (const std::string& revision : revisions) kernels.push_back(quoted(kernel_at(arguments, revision)));
  const std::string text = fmt::format(
      "name = \"ab\"\nprofile = {}\nboots = {}\nisolation = \"boot\"\nattribution = true\nreference = {}\n"
      "[[measure]]\nkernels = [{}]\ndepths = [{}]\nbenchmarks = [{}]\nconditions = [{}]\n",
      quoted(arguments.profile), arguments.boots, kernels.front(), fmt::join(kernels, ", "), arguments.depths,
      benchmarks, quoted(arguments.condition));
  Experiment experiment = TRY(parse_experiment(text, "the experiment of 'nslab ab'"));
  experiment.profile_where = "nslab ab";
  for (Measure& measure : experiment.measures) measure.where = "nslab ab";
  return experiment;
}

/// Two revisions, measured.
struct Compared {
  LoadedRun run;
  std::vector<ComparedCell> cells;
};

/// A revision as it is shown: without the folder, which is this machine's.
std::string shown(const std::string& revision) { return revision == "." ? "the tree as it is" : revision; }

fs::path results_of(const AbArguments& arguments, const Paths& paths) {
  return arguments.results.empty() ? paths.results / "ab" : fs::path(arguments.results);
}

/// Builds and boots what is not stored, and takes all differences from the first revision apart.
Result<LoadedRun> measure(const AbArguments& arguments, const std::vector<std::string>& revisions) {
  const auto paths = TRY(find_paths());
  RunOptions options;
  options.results = results_of(arguments, paths);
  options.jobs = arguments.jobs;
  options.force_profile = arguments.force_profile;
  const RunRecord run = TRY(run_experiment(TRY(experiment_for(arguments, revisions)), paths, options));
  auto store = TRY(Store::open_existing(options.results.string()));
  TRY(explain_run(paths, store, run, /*every_cell=*/true));
  RunChoice choice;
  choice.results = options.results.string();
  choice.run = static_cast<int>(run.id);
  return load_run(choice);
}

Result<Compared> compare(const AbArguments& arguments, const std::string& a, const std::string& b) {
  Compared compared{TRY(measure(arguments, {a, b})), {}};
  const auto rename = [&](std::string& kernel) {
    for (const std::string& revision : {a, b}) {
      if (kernel == kernel_at(arguments, revision)) {
        kernel = shown(revision);
        return;
      }
    }
  };
  for (Sample& sample : compared.run.samples) rename(sample.kernel);
  for (Explanation& line : compared.run.explanations) {
    rename(line.kernel);
    rename(line.baseline);
  }
  compared.cells = TRY(compare_cells(compared.run.run, compared.run.samples, shown(a), shown(b), compared.run.options));
  return compared;
}

/// What changed code alone makes of a cell's difference, where it is another than 0.
std::optional<Explanation> by_changed_code(const Compared& compared, const ComparedCell& cell) {
  for (const Explanation& line : compared.run.explanations) {
    if (line.benchmark != cell.benchmark || line.depth != cell.depth) continue;
    if (line.part != kPartChanged || !line.function.empty()) continue;
    if (line.decided()) return line;
  }
  return std::nullopt;
}

/// The changed functions that make most of a cell's difference, with their parts of it.
Json functions_of(const Compared& compared, const ComparedCell& cell) {
  Json functions = Json::object();
  for (const Explanation& line : compared.run.explanations) {
    if (line.benchmark != cell.benchmark || line.depth != cell.depth) continue;
    if (line.part == kPartChanged && !line.function.empty() && line.decided())
      functions[line.function] = line.difference();
  }
  return functions;
}

std::string command_of(const AbArguments& arguments, const std::string& a, const std::string& b) {
  std::string command =
      fmt::format("nslab ab TREE {} {} --bench {} --depth {} --boots {} --condition {}", for_shell(a), for_shell(b),
                  arguments.benchmarks, arguments.depths, arguments.boots, arguments.condition);
  if (arguments.llvm) command += " --llvm";
  if (!arguments.config.empty()) {
    command += " --config FILE";
  } else if (arguments.profile != "lean") {
    command += " --profile " + arguments.profile;
  }
  if (arguments.force_profile) command += " --force-profile";
  // For a mail's columns, and a shell.
  const std::string lines = wrap(command, kMailColumns - 4, 4);
  std::string folded;
  for (const char c : lines) folded += c == '\n' ? std::string(" \\\n") : std::string(1, c);
  return folded;
}

/// The first cell in which changed code makes a difference, as a part of a sentence; empty where there is none.
std::string changed_sentence(const Compared& compared) {
  for (const ComparedCell& cell : compared.cells) {
    if (const auto changed = by_changed_code(compared, cell)) {
      return fmt::format("changed code {} {} instructions in {} at depth {}",
                         changed->difference() > 0 ? "costs" : "saves", difference_text(*changed), cell.benchmark,
                         cell.depth);
    }
  }
  return "";
}

/// One sentence or two: what changed code makes, and the largest difference that is decided.
std::string sentence_of(const Compared& compared, const std::string& a, const std::string& b) {
  const ComparedCell* largest = nullptr;
  std::size_t decided = 0;
  for (const ComparedCell& cell : compared.cells) {
    if (!cell.obstacle.empty() || !is_decided(cell.comparison)) continue;
    ++decided;
    const auto size = [](const ComparedCell& c) { return std::abs(c.comparison.percent.value_or(0)); };
    if (largest == nullptr || size(cell) > size(*largest)) largest = &cell;
  }
  const std::string changed = changed_sentence(compared);
  const std::string cells = counted(compared.cells.size(), "cell");
  if (largest == nullptr) {
    const std::string means = fmt::format("the means decide no difference, in {}", cells);
    if (changed.empty())
      return fmt::format("{} against {}: {}, and changed code makes none.", shown(b), shown(a), means);
    return fmt::format("{} against {}: {}; {}.", shown(b), shown(a), changed, means);
  }
  const Comparison& c = largest->comparison;
  return fmt::format("{} {} {} in {} at depth {} against {}: {} of {} differ, this one most{}.", shown(b),
                     c.difference > 0 ? "costs" : "saves", difference_text(c, compared.run.run.meter) + " instructions",
                     largest->benchmark, largest->depth, shown(a), decided, cells,
                     changed.empty() ? "" : "; " + changed);
}

Json json_of(const Compared& compared, const std::string& a, const std::string& b) {
  Json cells = Json::array();
  for (const ComparedCell& cell : compared.cells) {
    Json json = {{"benchmark", cell.benchmark}, {"depth", cell.depth}};
    const Comparison& c = cell.comparison;
    if (!cell.obstacle.empty()) {
      json["obstacle"] = cell.obstacle;
    } else {
      json.update(Json{{"pairs", c.pairs},
                       {"a", c.mean_a},
                       {"b", c.mean_b},
                       {"difference", c.difference},
                       {"exact", c.exact},
                       {"verdict", verdict_word(c.verdict, compared.run.run.meter)}});
      if (c.interval) json["interval"] = {c.interval->low, c.interval->high};
      if (c.percent) json["percent"] = *c.percent;
      if (const auto changed = by_changed_code(compared, cell)) {
        json["changed_code"] = {{"difference", changed->difference()},
                                {"exact", changed->exact()},
                                {"interval", {changed->low, changed->high}},
                                {"functions", functions_of(compared, cell)}};
      }
    }
    cells.push_back(std::move(json));
  }
  const RunRecord& run = compared.run.run;
  std::set<std::uint64_t> seeds;
  for (const Sample& sample : compared.run.samples) seeds.insert(sample.seed);
  const Json manifest = parse_json(run.manifest).value_or(Json::object());
  return {{"a", a},
          {"b", b},
          {"qemu", manifest.contains("qemu") ? manifest["qemu"] : Json()},
          {"seeds", seeds},
          {"unit", run.unit()},
          {"profile", run.profile},
          {"for_measurement", run.measurable},
          {"accelerator", run.accelerator},
          {"condition", compared.run.conditions.empty() ? "quiet" : compared.run.conditions.front()},
          {"cells", cells}};
}

Result<void> print(const AbArguments& arguments, const Compared& compared, const std::string& a, const std::string& b) {
  const LoadedRun& loaded = compared.run;
  if (arguments.format == "json") {
    print_out("{}\n", to_text(json_of(compared, a, b), 1));
    return {};
  }
  if (arguments.format == "lkml") {
    print_out("{}\n\n{}\nTo repeat it:\n  {}\n", wrap(plain_ascii(sentence_of(compared, a, b)), kMailColumns),
              TRY(mail_of(loaded, shown(a), shown(b))), command_of(arguments, a, b));
    return {};
  }
  const Document document = TRY(compare_kernels(loaded.run, loaded.samples, shown(a), shown(b), loaded.options));
  print_out("{}",
            arguments.format == "markdown" ? render_markdown(document) : render_text(document, terminal_columns()));
  return {};
}

/// A cell's difference in words, or why there is none.
std::string cell_text(const ComparedCell& cell, Meter meter) {
  return cell.obstacle.empty() ? difference_and_percent(cell.comparison, meter) : cell.obstacle;
}

/// Exit::says_no for the limits that are exceeded: by the work of changed code alone, which is known best, or by a mean
/// whose difference is decided. A cell that could not be compared exceeds them all. Where the means alone leave it open
/// whether a limit is exceeded, that is said.
Result<void> check(const std::vector<Limit>& limits, const Compared& compared) {
  std::string failed;
  for (const Limit& limit : limits) {
    for (const ComparedCell& cell : compared.cells) {
      if (cell.benchmark != limit.benchmark) continue;
      const Comparison& c = cell.comparison;
      const double most = limit.percent ? limit.most / 100 * c.mean_a : limit.most;  // in the meter's unit
      const auto changed = by_changed_code(compared, cell);
      const bool by_code = changed && changed->low > most;
      const bool by_mean = cell.obstacle.empty() && is_decided(c) && c.difference > most;
      const std::string there =
          fmt::format("{}: at depth {} it is {}{}", limit.text, cell.depth, cell_text(cell, compared.run.run.meter),
                      changed ? ", in changed code " + difference_text(*changed) : "");
      if (!cell.obstacle.empty() || by_code || by_mean) {
        failed += "\n  " + there;
      } else if (c.interval && c.interval->high > most) {
        print_err(
            "nslab: --fail-if {}, which decides nothing: the interval of the mean reaches beyond the limit, and "
            "what changed code does beside itself may be more or less than that. More --boots narrow it\n",
            there);
      }
    }
  }
  if (failed.empty()) return {};
  return negative_result("--fail-if:{}", failed);
}

/// The commits of a range, the oldest first, behind the commit that they begin with.
Result<std::vector<std::string>> commits_of(const AbArguments& arguments, const std::string& a, const std::string& b) {
  if (a.empty() || b.empty() || b.starts_with('.'))
    return user_error("'{}' is no range: name both its ends, as v6.12..mine", arguments.a);
  const auto ancestor = TRY(ask_git(arguments.tree, {"merge-base", "--is-ancestor", "--end-of-options", a, b}));
  if (ancestor.status == 1 << 8) {
    return user_error(
        "{} is no ancestor of {}: between them there is no row of commits, each of which changes the one "
        "before. 'nslab ab TREE A B' compares the two",
        a, b);
  }
  const auto list = TRY(ask_git(arguments.tree, {"rev-list", "--reverse", "--first-parent", "--abbrev-commit",
                                                 "--end-of-options", a + ".." + b}));
  const auto first = TRY(
      ask_git(arguments.tree, {"rev-parse", "--short", "--verify", "--quiet", "--end-of-options", a + "^{commit}"}));
  if (list.status != 0 || first.status != 0) {
    return user_error("git does not know the range {}..{} in {}:\n{}", a, b, arguments.tree,
                      without_controls(list.output));
  }
  auto commits = lines_of(first.output);
  const auto more = lines_of(list.output);
  commits.insert(commits.end(), more.begin(), more.end());
  if (commits.size() < 2) return user_error("the range {}..{} has no commits", a, b);
  return commits;
}

/// Whether the revisions differ there: in what is paid, or in the work of changed code alone, which is seen first.
bool has_moved(const Compared& compared, const ComparedCell& cell) {
  return !cell.obstacle.empty() || is_decided(cell.comparison) || by_changed_code(compared, cell).has_value();
}

/// A commit whose kernel is another one than its predecessor's.
struct Move {
  std::string commit;
  std::string subject;
  Compared compared;
  std::vector<std::string> between;  ///< commits before it that cannot be measured: it may be one of these
};

/// What a search has found so far, and which commits it has measured.
struct Search {
  const AbArguments& arguments;
  const std::vector<std::string>& commits;
  std::set<std::size_t> measured = {};
  std::vector<Move> moves = {};

  std::set<std::size_t> unmeasurable = {};  ///< that do not build or boot

  /// Halves a range whose ends are compared already wherever they differ, until neighbours are left.
  Result<void> halve(std::size_t first, std::size_t last, Compared ends) {
    measured.insert({first, last});
    const bool moved = std::any_of(ends.cells.begin(), ends.cells.end(),
                                   [&](const ComparedCell& cell) { return has_moved(ends, cell); });
    if (!moved && (!arguments.every || last - first == 1)) return {};
    auto middle = TRY(between(first, last));
    if (middle) {
      TRY(halve(first, middle->first, std::move(middle->second)));
      return halve(middle->first, last, TRY(compare_commits(middle->first, last)));
    }
    if (!moved) return {};
    const auto subject = TRY(ask_git(arguments.tree, {"show", "-s", "--format=%s", commits[last]}));
    moves.push_back({commits[last],
                     lines_of(without_controls(subject.output)).front(),
                     std::move(ends),
                     {commits.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                      commits.begin() + static_cast<std::ptrdiff_t>(last)}});
    return {};
  }

 private:
  Result<Compared> compare_commits(std::size_t from, std::size_t to) const {
    print_err("of {}: {}..{}\n", counted(commits.size() - 1, "commit"), commits[from], commits[to]);
    return compare(arguments, commits[from], commits[to]);
  }

  using Found = std::optional<std::pair<std::size_t, Compared>>;

  /// The commit nearest to the middle that can be measured, compared with the first; nothing: there is none.
  Result<Found> between(std::size_t first, std::size_t last) {
    std::vector<std::size_t> candidates;
    for (std::size_t at = first + 1; at < last; ++at)
      if (!unmeasurable.contains(at)) candidates.push_back(at);
    const auto distance = [&](std::size_t at) {
      return std::abs(static_cast<double>(at) - static_cast<double>(first + last) / 2);
    };
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](std::size_t x, std::size_t y) { return distance(x) < distance(y); });
    for (const std::size_t at : candidates) {
      auto compared = compare_commits(first, at);
      if (compared) return Found(std::pair(at, std::move(*compared)));
      const Exit why = compared.error().exit;
      if (interrupted() || (why != Exit::says_no && why != Exit::user)) return compared.error();
      print_err("nslab: {} cannot be measured, and is passed over: {}\n", commits[at], compared.error().message);
      unmeasurable.insert(at);
    }
    return Found();
  }
};

/// The commits that were measured, as one run with its plots and its page.
Result<Facts> write_all(const AbArguments& arguments, const Search& search) {
  std::vector<std::string> revisions;
  for (const std::size_t at : search.measured) revisions.push_back(search.commits[at]);
  const LoadedRun run = TRY(measure(arguments, revisions));
  const Report report = TRY(loaded_report(run));
  const auto paths = TRY(find_paths());
  Facts facts;
  TRY(write_report_files(report, describe(report), results_of(arguments, paths), paths, facts));
  return facts;
}

void print_moves(const Search& search, const Facts& files) {
  print_out("\nOf {}, {} measured, {} another cost:\n", counted(search.commits.size() - 1, "commit"),
            search.measured.size() - 1, search.moves.size());
  for (const auto& [commit, subject, compared, between] : search.moves) {
    print_out("{} {}\n", commit, subject);
    if (!between.empty())
      print_out("  or one of those before it, which cannot be measured: {}\n", fmt::join(between, ", "));
    for (const ComparedCell& cell : compared.cells) {
      if (!has_moved(compared, cell)) continue;
      const auto changed = by_changed_code(compared, cell);
      print_out("  {} at depth {}: {}{}\n", cell.benchmark, cell.depth, cell_text(cell, compared.run.run.meter),
                changed ? ", in changed code " + difference_text(*changed) : ", none of it in changed code");
    }
  }
  if (!search.arguments.every) {
    print_out(
        "What one commit costs and a later one takes back is not looked for where both ends are equal: --every\n");
  }
  for (const auto& [what, where] : files) print_out("{}: {}\n", what, where);
}

Json json_of(const Search& search, const Compared& ends, const Facts& files) {
  Json json = {{"range", json_of(ends, search.commits.front(), search.commits.back())}, {"moves", Json::array()}};
  for (const auto& [commit, subject, compared, between] : search.moves) {
    json["moves"].push_back(
        {{"commit", commit}, {"subject", subject}, {"cells", json_of(compared, "", commit)["cells"]}, {"or", between}});
  }
  for (const std::size_t at : search.measured) json["measured"].push_back(search.commits[at]);
  for (const std::size_t at : search.unmeasurable) json["unmeasurable"].push_back(search.commits[at]);
  for (const auto& [what, where] : files) json["files"][what] = where;
  return json;
}

Result<void> compare_range(const AbArguments& arguments, const std::vector<Limit>& limits,
                           const std::vector<std::string>& commits) {
  const Compared ends = TRY(compare(arguments, commits.front(), commits.back()));
  Search search{arguments, commits};
  TRY(search.halve(0, commits.size() - 1, ends));
  const Facts files = TRY(write_all(arguments, search));
  if (arguments.format == "json") {
    print_out("{}\n", to_text(json_of(search, ends, files), 1));
  } else {
    TRY(print(arguments, ends, commits.front(), commits.back()));
    print_moves(search, files);
  }
  return check(limits, ends);
}

/// A revision by a name that still means the same tomorrow: what is told by HEAD becomes a commit. Exit::user when
/// there is none.
Result<std::string> lasting(const AbArguments& arguments, const std::string& revision) {
  if (revision == ".") return revision;
  const auto commit = TRY(ask_git(
      arguments.tree, {"rev-parse", "--short=12", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"}));
  if (commit.status != 0) return user_error("{} has no revision '{}'", arguments.tree, without_controls(revision));
  const bool moves = revision.find("HEAD") != std::string::npos || revision.find_first_of("~^@") != std::string::npos;
  return moves ? commit.output : revision;
}

Result<void> act(const AbArguments& arguments) {
  const auto limits = TRY(limits_of(arguments));
  const auto dots = arguments.a.find("..");
  if (arguments.b.empty() == (dots == std::string::npos))
    return user_error("name two revisions, A and B, or one range, A..B");
  if (!is_folder(arguments.tree)) return user_error("there is no folder {}", without_controls(arguments.tree));
  if (arguments.b.empty()) {
    return compare_range(arguments, limits,
                         TRY(commits_of(arguments, arguments.a.substr(0, dots), arguments.a.substr(dots + 2))));
  }
  if (arguments.every) return user_error("--every is for a range, A..B");
  const std::string a = TRY(lasting(arguments, arguments.a));
  const std::string b = TRY(lasting(arguments, arguments.b));
  if (a == b) return user_error("A and B are one revision, {}", shown(a));
  const Compared compared = TRY(compare(arguments, a, b));
  TRY(print(arguments, compared, a, b));
  return check(limits, compared);
}

const RegisterVerb registered({
    .name = "ab",
    .help = "build two revisions of a source tree, boot both, and say what the second costs",
    .examples = "  nslab ab ~/linux HEAD~1 HEAD                        what the last commit costs\n"
                "  nslab ab ~/linux HEAD .                             what the changes cost that are not committed\n"
                "  nslab ab ~/linux v6.12..mine --bench fork_exit_wait   which of these commits it was\n"
                "  nslab ab ~/linux HEAD~1 HEAD --fail-if 'fork_exit_wait>0.1%'   a gate: ends with 1 if it is dearer",
    .declare = verb_body<AbArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_ab
