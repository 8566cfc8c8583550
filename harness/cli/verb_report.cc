// SPDX-License-Identifier: GPL-2.0
#include <cstdio>
#include <filesystem>

#include "files.h"
#include "html.h"
#include "loaded_run.h"
#include "paths.h"
#include "plots.h"
#include "report_document.h"
#include "terminal.h"
#include "verb.h"

namespace nslab {
namespace {

struct ReportArguments {
  RunChoice choice;
  std::string format = "text";
};

void declare_arguments(Arguments& arguments, ReportArguments& values) {
  arguments.optional_positional("RESULTS", values.choice.results,
                                "the results folder (default: the newest under results/)");
  arguments.option("--reference", values.choice.reference, "the kernel that differences are given against");
  arguments.choice("--format", values.format, {"text", "markdown"}, "how the tables are printed");
  declare_run_choice(arguments, values.choice);
}

Result<void> act(const ReportArguments& arguments) {
  const auto paths = TRY(find_paths());
  const auto loaded = TRY(load_run(arguments.choice));
  const Report report = TRY(make_report(loaded.run, loaded.samples, loaded.options));
  if (arguments.format == "markdown") {
    fmt::print("{}", render_markdown(describe(report)));
    return {};
  }
  fmt::print("{}\n", render_text(describe(report), terminal_columns()));
  std::fflush(stdout);
  const auto plots = TRY(write_plots(report, loaded.folder, (paths.root / "plots").string()));
  const auto page = TRY(write_html(report, loaded.folder));
  const std::string markdown = (std::filesystem::path(loaded.folder) / "report.md").string();
  TRY(write_file(markdown, render_markdown(describe(report))));
  for (const std::string& plot : plots) fmt::print("plot:  {}\n", plot);
  fmt::print("table: {}\npage:  {}\n", markdown, page);
  return {};
}

const RegisterVerb registered({
    .name = "report",
    .help = "print the tables of a run; write tables, plots and a page into its folder",
    .examples = "  nslab report results/reference/smoke      the answer, before anything is built\n"
                "  nslab report results/smoke                what 'make' measured here\n"
                "  nslab report results/smoke --statistic minimum --reference multi",
    .declare = verb_body<ReportArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab
