// SPDX-License-Identifier: GPL-2.0
#include <filesystem>

#include "files.h"
#include "html.h"
#include "ingredients.h"
#include "loaded_run.h"
#include "output.h"
#include "paths.h"
#include "plots.h"
#include "report_document.h"
#include "terminal.h"
#include "verb.h"

namespace nslab::verb_report {
namespace {

struct ReportArguments {
  RunChoice choice;
  std::string format = "text";
  std::string output;
};

void declare_arguments(Arguments& arguments, ReportArguments& values) {
  arguments.optional_positional("RESULTS", values.choice.results,
                                "the results folder (default: the newest under results/)");
  arguments.option("--reference", values.choice.reference, "the kernel that differences are given against");
  arguments.choice("--format", values.format, {"text", "markdown"}, "how the tables are printed");
  arguments.option("--output", values.output,
                   "folder for the tables, plots and page (default: RESULTS when it has a store, else none)");
  declare_run_choice(arguments, values.choice);
}

Result<void> act(const ReportArguments& arguments) {
  const auto paths = TRY(find_paths());
  const auto loaded = TRY(load_run(arguments.choice));
  Report report = TRY(make_report(loaded.run, loaded.samples, loaded.options));
  report.not_of_today = differences_from_today(ingredients_of(loaded.run), ingredients_today(loaded.run, paths));
  const Document document = describe(report);
  if (arguments.format == "markdown") {
    print_out("{}", render_markdown(document));
    if (arguments.output.empty()) return {};
  } else {
    print_out("{}\n", render_text(document, terminal_columns()));
  }
  if (loaded.is_text && arguments.output.empty()) {
    print_out("nothing was written: --output FOLDER puts the tables, plots and a page there\n");
    return {};
  }
  const std::string folder = arguments.output.empty() ? loaded.folder : arguments.output;
  const auto plots = TRY(write_plots(report, folder, (paths.root / "plots").string()));
  const auto page = TRY(write_html(report, folder));
  const std::string markdown = (std::filesystem::path(folder) / "report.md").string();
  TRY(write_file(markdown, render_markdown(document)));
  if (arguments.format == "markdown") return {};
  for (const std::string& plot : plots) print_out("plot:  {}\n", plot);
  print_out("table: {}\npage:  {}\n", markdown, page);
  return {};
}

const RegisterVerb registered({
    .name = "report",
    .help = "print the tables of a run; write tables, plots and a page",
    .examples = "  nslab report results/reference/smoke      the answer, before anything is built\n"
                "  nslab report results/smoke                what 'make' measured here\n"
                "  nslab report results/reference/smoke --output /tmp/smoke   with plots and a page\n"
                "  nslab report results/smoke --statistic minimum --reference multi",
    .declare = verb_body<ReportArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_report
