// SPDX-License-Identifier: GPL-2.0
#include <unistd.h>

#include <filesystem>

#include "ingredients.h"
#include "loaded_run.h"
#include "other_run.h"
#include "output.h"
#include "paths.h"
#include "report_document.h"
#include "report_files.h"
#include "terminal.h"
#include "verb.h"

namespace nslab::verb_report {
namespace fs = std::filesystem;

namespace {

struct ReportArguments {
  RunChoice choice;
  std::string format = "text";
  std::string output;
};

void declare_arguments(Arguments& arguments, ReportArguments& values) {
  arguments.optional_positional("RESULTS", values.choice.results,
                                "the results folder (default: the newest under results/)", "FOLDER");
  arguments.option("--reference", values.choice.reference, "the kernel that differences are given against", "KERNEL");
  arguments.choice("--format", values.format, {"text", "markdown"}, "how the tables are printed");
  arguments.option("--output", values.output,
                   "folder for the tables, plots and page (default: RESULTS when it has a store, else none)", "FOLDER");
  declare_run_choice(arguments, values.choice);
}

/// Whether a report may be written to `folder`: Exit::user where it has the report, or the results, of another run. Its
/// files would be replaced one by one, and what this report has no file for would stay. The run's own folder may have
/// several runs, and shows the report that was asked for last: what it shows no longer is said.
Result<void> check_folder(const fs::path& folder, const LoadedRun& loaded) {
  const auto other = other_run_in(folder, loaded.run, loaded.folder);
  if (!other) return {};
  std::error_code error;
  if (!fs::equivalent(folder, loaded.folder, error)) {
    return user_error("{} has {}: name another folder, or remove it", folder.string(), other->what);
  }
  print_err("nslab: {} had {}: this report of run {} replaces it\n", folder.string(), other->what, loaded.run.id);
  return {};
}

Result<void> act(const ReportArguments& arguments) {
  const auto paths = TRY(find_paths_to_read());
  const auto loaded = TRY(load_run(arguments.choice));
  Report report = TRY(loaded_report(loaded));
  report.not_of_today = differences_from_today(ingredients_of(loaded.run), ingredients_today(loaded.run, paths));
  const Document document = describe(report);
  const bool markdown = arguments.format == "markdown";
  Facts files;
  Result<void> written;
  if (!arguments.output.empty() || !(markdown || loaded.is_text)) {
    const fs::path folder = arguments.output.empty() ? loaded.folder : arguments.output;
    TRY(check_folder(folder, loaded));
    if (arguments.output.empty() && ::access(folder.c_str(), W_OK) != 0) {
      written = machine_error("{} is read-only: --output FOLDER puts the tables, plots and a page elsewhere",
                              folder.string());
    } else {
      written = write_report_files(report, document, folder, paths, files);
      for (const Report& other : report.elsewhere) {
        Facts of_other;
        const auto also = write_report_files(other, describe(other), folder / other.condition, paths, of_other);
        if (written && !also) written = also;
        files.emplace_back("under " + other.condition, (folder / other.condition).string());
      }
    }
  } else {
    files.emplace_back("page", "nothing was written: --output FOLDER puts the tables, plots and a page there");
  }
  // The files come first, so that what is printed can name them. A reader gets the tables even if they failed.
  write_out(markdown ? render_markdown(document)
                     : render_text(describe_for_terminal(report, files), terminal_columns()));
  return written;
}

const RegisterVerb registered({
    .name = "report",
    .help = "print the tables of a run; write tables, plots and a page",
    .examples = "  nslab report results/reference/smoke      the answer, before anything is built\n"
                "  nslab report results/smoke                what 'make' measured here\n"
                "  nslab report results/reference/smoke --output /tmp/smoke   with plots and a page\n"
                "  nslab report results/smoke --statistic minimum --reference multi   the bare path, against multi",
    .declare = verb_body<ReportArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_report
