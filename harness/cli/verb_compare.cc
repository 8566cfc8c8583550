// SPDX-License-Identifier: GPL-2.0
#include "compare.h"
#include "loaded_run.h"
#include "output.h"
#include "terminal.h"
#include "verb.h"

namespace nslab::verb_compare {
namespace {

struct CompareArguments {
  RunChoice choice;
  std::string a;
  std::string b;
  std::string format = "text";
};

void declare_arguments(Arguments& arguments, CompareArguments& values) {
  arguments.positional("A", values.a, "the baseline: a kernel of the run", "KERNEL");
  arguments.positional("B", values.b, "the kernel that is compared with it: differences are B - A", "KERNEL");
  arguments.option("--results", values.choice.results, "the results folder (default: the newest under results/)",
                   "FOLDER");
  arguments.choice("--format", values.format, {"text", "markdown", "lkml"},
                   "how it is printed; lkml: plain ASCII of at most 72 columns, for a commit message or a mail");
  declare_run_choice(arguments, values.choice);
}

Result<void> act(const CompareArguments& arguments) {
  const auto loaded = TRY(load_run(arguments.choice));
  if (arguments.format == "lkml") {
    print_out("{}", TRY(compare_for_mail(loaded.run, loaded.samples, loaded.explanations, arguments.a, arguments.b,
                                         loaded.options)));
    return {};
  }
  const Document document = TRY(compare_kernels(loaded.run, loaded.samples, arguments.a, arguments.b, loaded.options));
  print_out("{}",
            arguments.format == "markdown" ? render_markdown(document) : render_text(document, terminal_columns()));
  return {};
}

const RegisterVerb registered({
    .name = "compare",
    .help = "compare two kernels of a run, cell by cell: difference, interval, verdict",
    .examples = "  nslab compare multi flat+cache            in the newest run\n"
                "  nslab compare multi flat+cache --results results/reference/smoke   in this one\n"
                "  nslab compare multi flat+cache --format lkml   for a commit message",
    .declare = verb_body<CompareArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_compare
