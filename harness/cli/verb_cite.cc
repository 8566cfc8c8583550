// SPDX-License-Identifier: GPL-2.0
#include <algorithm>
#include <map>
#include <sstream>

#include "citation.h"
#include "files.h"
#include "loaded_run.h"
#include "output.h"
#include "paths.h"
#include "text.h"
#include "verb.h"

namespace nslab::verb_cite {
namespace {

struct CiteArguments {
  std::vector<std::string> pages;
  bool check = false;
  std::string references;
};

void declare_arguments(Arguments& arguments, CiteArguments& values) {
  arguments.positional("FILE", values.pages, "the Markdown pages", "FILE");
  arguments.flag("--check", values.check, "change nothing; end with 1 and name the first line that is not as the runs");
  arguments.option("--references", values.references,
                   "the folder of the runs that are quoted (default: results/reference)", "FOLDER");
}

/// "line N: 'there', expected 'here'" for the first line in which they differ.
std::string first_difference(const std::string& page, const std::string& before, const std::string& after) {
  std::istringstream one(before);
  std::istringstream other(after);
  for (int number = 1;; ++number) {
    std::string is;
    std::string expected;
    std::getline(one, is);
    std::getline(other, expected);
    if (is == expected && one && other) continue;
    return fmt::format("{}:{}: the page has\n  {}\nthe runs say\n  {}", page, number, is, expected);
  }
}

Result<void> act(const CiteArguments& arguments) {
  const auto paths = TRY(find_paths_to_read());
  const std::filesystem::path references(arguments.references.empty() ? (paths.root / "results" / "reference").string()
                                                                      : arguments.references);
  std::map<std::string, LoadedRun> runs;
  const auto loaded_of = [&](const std::string& run) -> Result<const LoadedRun*> {
    if (const auto known = runs.find(run); known != runs.end()) return &known->second;
    auto loaded =
        TRY(load_run({.results = (references / run).string(), .statistic = {}, .reference = {}, .condition = {}}));
    return &runs.emplace(run, std::move(loaded)).first->second;
  };
  std::map<std::string, Report> reports;
  const auto report_of = [&](const std::string& run) -> Result<const Report*> {
    if (const auto known = reports.find(run); known != reports.end()) return &known->second;
    return &reports.emplace(run, TRY(loaded_report(*TRY(loaded_of(run))))).first->second;
  };
  const auto mail = [&](const Citation& citation) -> Result<std::string> {
    const auto key = [&](const char* name) {
      const auto found = citation.keys.find(name);
      return found == citation.keys.end() ? std::string() : found->second;
    };
    for (const auto& [name, value] : citation.keys) {
      if (name != "a" && name != "b" && name != "condition" && name != "depths")
        return user_error("'mail' has no {}=…", name);
    }
    auto loaded = TRY(load_run({.results = (references / citation.runs.front()).string(),
                                .statistic = {},
                                .reference = {},
                                .condition = key("condition")}));
    if (const auto depths = split_at(key("depths"), ','); !depths.empty()) {
      const auto left_out = [&](const auto& item) {
        return std::find(depths.begin(), depths.end(), std::to_string(item.depth)) == depths.end();
      };
      std::erase_if(loaded.samples, left_out);
      std::erase_if(loaded.explanations, left_out);
    }
    return mail_of(loaded, key("a"), key("b"));
  };
  const auto cells = [&](const std::string& run, const std::string& condition, const std::string& a,
                         const std::string& b) -> Result<std::vector<ComparedCell>> {
    const LoadedRun& loaded = *TRY(loaded_of(run));
    const std::string wanted = TRY(condition_in(loaded.conditions, loaded.run, condition));
    return compare_cells(loaded.run, under(wanted, loaded.samples), a, b, loaded.options);
  };
  for (const std::string& page : arguments.pages) {
    const std::string before = TRY(read_file(page));
    const std::string after = TRY(fill_citations(before, page, {report_of, mail, cells}));
    if (after == before) continue;
    if (arguments.check) {
      return negative_result("{}\n'nslab cite {}' mends it", first_difference(page, before, after), page);
    }
    TRY(write_file(page, after));
    print_out("{}: renewed\n", page);
  }
  return {};
}

const RegisterVerb registered({
    .name = "cite",
    .help = "renew the tables and figures that Markdown pages quote from the reference runs",
    .examples = R"(  nslab cite README.md docs/*.md            renews them
  nslab cite --check README.md docs/*.md    ends with 1 when a digit is not that of the runs

A page has, where a table or a figure is to stand:

  <!-- table: cost smoke depth=0 kernels=none,multi benchmarks=getpid,fork_exit_wait -->

  <!-- end of table -->

  <!-- figure: depth depth depth=16 kernels=multi benchmarks=fork_exit_wait -->

  <!-- end of figure -->

  <!-- mail: conditions a=multi b=multi+reserve condition=host depths=1 -->

  <!-- end of mail -->

The last is what 'nslab compare A B --format lkml' prints, of all depths unless some are named. Behind 'table:' or 'figure:', the first word says what is shown, and the second of which run.

What is shown, and the words that follow:
  cost        the cost and the difference from the reference: depth=D kernels=A,B benchmarks=X,Y
  difference  the difference from the reference alone: depth=D kernels=A,B benchmarks=X,Y
  depth       the difference from depth 0: depth=D kernels=A,B benchmarks=X,Y
  levels      the difference from depth 0 by the depth: depth=D kernels=A,B benchmarks=X,Y conditions=C,D
  ideas       the mean effect of each option: depth=D benchmarks=X,Y
  growth      the cost at the largest size by that at the smallest: quantity=Q depth=D kernels=A,B operations=X,Y
  why         what a difference is made of, where functions were counted: benchmark=X kernel=B depth=D baseline=A
              baseline_depth=D (default: depth)
  changed     the difference in all code and in changed code alone: depth=D kernels=A,B baseline=C benchmarks=X,Y
  dearer      in how many cells of each run that is named B costs more than A by more than P per cent: a=A b=B
              percent=P conditions=C,D
  2007        the rows of 2007, then and today: benchmark=X
  boots       the boots and the time that they took, of this run and of any others that are named

cost, difference, depth, ideas and growth take statistic=minimum, too. All but levels and dearer, which name theirs,
take condition=NAME where a run has several; without it they show the experiment's first.)",
    .declare = verb_body<CiteArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_cite
