// SPDX-License-Identifier: GPL-2.0
#include "loaded_run.h"
#include "output.h"
#include "text.h"
#include "text_store.h"
#include "verb.h"

namespace nslab::verb_export {
namespace {

/// To add a format is to add a line here.
struct Format {
  const char* name;
  Result<void> (*write)(const StoredRun& run, const std::filesystem::path& folder);
};
constexpr Format kFormats[] = {{"text", write_text_run}};

struct ExportArguments {
  RunChoice choice;
  std::string format = "text";
  std::string output;
};

void declare_arguments(Arguments& arguments, ExportArguments& values) {
  arguments.optional_positional("RESULTS", values.choice.results,
                                "the results folder (default: the newest under results/)", "FOLDER");
  arguments.option("--run", values.choice.run, 1, 1'000'000'000,
                   "the run's number (default: the newest that is finished)");
  std::vector<std::string> names;
  for (const Format& format : kFormats) names.emplace_back(format.name);
  arguments.choice("--format", values.format, names,
                   "text: run.json and .tsv files, to be committed; 'report' and 'compare' read them as a store");
  arguments.option("--output", values.output, "the folder to write to; required", "FOLDER");
}

Result<void> act(const ExportArguments& arguments) {
  if (arguments.output.empty()) return user_error("--output is missing: the folder to write to");
  const std::string results = TRY(find_results(arguments.choice.results));
  const StoredRun run = TRY(load_stored_run(results, run_number(arguments.choice)));
  for (const Format& format : kFormats) {
    if (arguments.format == format.name) TRY(format.write(run, arguments.output));
  }
  print_out("run {} of {}: {}, {} written to {}\n", run.run.id, run.run.experiment, counted(run.boots.size(), "boot"),
            counted(run.samples().size(), "sample"), arguments.output);
  return {};
}

const RegisterVerb registered({
    .name = "export",
    .help = "write a run in another form",
    .examples = "  nslab export results/smoke --output results/reference/smoke   the newest run\n"
                "  nslab export results/smoke --run 2 --format text --output /tmp/smoke   another run",
    .declare = verb_body<ExportArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_export
