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
  std::string condition_b;
  std::string dearer_than;
};

void declare_arguments(Arguments& arguments, CompareArguments& values) {
  arguments.positional("A", values.a, "the baseline: a kernel of the run", "KERNEL");
  arguments.positional("B", values.b, "the kernel that is compared with it: differences are B - A", "KERNEL");
  arguments.option("--results", values.choice.results, "the results folder (default: the newest under results/)",
                   "FOLDER");
  arguments.choice("--format", values.format, {"text", "markdown", "lkml"},
                   "how it is printed; lkml: plain ASCII of at most 72 columns, for a commit message or a mail");
  declare_run_choice(arguments, values.choice);
  arguments.option("--condition-b", values.condition_b, "another condition for B, which is then part of the difference",
                   "NAME");
  arguments.option("--dearer-than", values.dearer_than,
                   "also say in which cells B costs more than A by more than this, as 0.1", "PERCENT");
}

/// The samples of `kernel` under that condition, under the name that tells both.
std::vector<Sample> renamed(const std::vector<Sample>& samples, const std::string& kernel, const std::string& condition,
                            const std::string& name) {
  std::vector<Sample> some;
  for (Sample sample : under(condition, samples)) {
    if (sample.kernel != kernel) continue;
    sample.kernel = name;
    some.push_back(std::move(sample));
  }
  return some;
}

struct Compared {
  std::string a;
  std::string b;
  std::vector<Sample> samples;
};

/// Both sides under one condition or, where that was asked for, under two: there a side's name has its condition, so
/// that nobody takes the difference for one of kernels alone.
Result<Compared> sides_of(const LoadedRun& loaded, const CompareArguments& arguments) {
  const std::string& condition_a = loaded.conditions.empty() ? "" : loaded.conditions.front();
  if (arguments.condition_b.empty()) return Compared{arguments.a, arguments.b, under(condition_a, loaded.samples)};
  const std::string condition_b = TRY(condition_in(loaded.conditions, loaded.run, arguments.condition_b));
  Compared compared{
      fmt::format("{} ({})", arguments.a, condition_a), fmt::format("{} ({})", arguments.b, condition_b), {}};
  compared.samples = renamed(loaded.samples, arguments.a, condition_a, compared.a);
  const auto b = renamed(loaded.samples, arguments.b, condition_b, compared.b);
  if (compared.b != compared.a) compared.samples.insert(compared.samples.end(), b.begin(), b.end());
  return compared;
}

Result<void> act(const CompareArguments& arguments) {
  if (!arguments.dearer_than.empty() && arguments.format == "lkml")
    return user_error("--dearer-than goes with the formats text and markdown");
  const auto loaded = TRY(load_run(arguments.choice));
  const auto [a, b, samples] = TRY(sides_of(loaded, arguments));
  if (arguments.format == "lkml") {
    print_out("{}", arguments.condition_b.empty()
                        ? TRY(mail_of(loaded, a, b))
                        : TRY(compare_for_mail(loaded.run, samples, {}, a, b, loaded.options)));
    return {};
  }
  std::optional<double> dearer_than;
  if (!arguments.dearer_than.empty()) dearer_than = TRY(percent_from(arguments.dearer_than));
  Document document = TRY(compare_kernels(loaded.run, samples, a, b, loaded.options, dearer_than));
  if (loaded.conditions.size() > 1 && arguments.condition_b.empty()) {
    const std::vector<std::string> others(loaded.conditions.begin() + 1, loaded.conditions.end());
    document.push_back({Block::Kind::paragraph, fmt::format("This run has other conditions as well (--condition): {}.",
                                                            fmt::join(others, ", "))});
  }
  print_out("{}",
            arguments.format == "markdown" ? render_markdown(document) : render_text(document, terminal_columns()));
  return {};
}

const RegisterVerb registered({
    .name = "compare",
    .help = "compare two kernels of a run, cell by cell: difference, interval, verdict",
    .examples = "  nslab compare multi flat+cache            in the newest run\n"
                "  nslab compare multi flat+cache --results results/reference/smoke   in this one\n"
                "  nslab compare multi flat+cache --format lkml   for a commit message\n"
                "  nslab compare multi multi+reserve --dearer-than 0.1   is any operation dearer by a thousandth?\n"
                "  nslab compare multi multi --condition quiet --condition-b host   what the host adds",
    .declare = verb_body<CompareArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_compare
