// SPDX-License-Identifier: GPL-2.0
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "compare.h"
#include "experiment.h"
#include "files.h"
#include "html.h"
#include "paths.h"
#include "plots.h"
#include "report.h"
#include "store.h"
#include "verbs.h"

namespace nslab {
namespace fs = std::filesystem;

Result<std::string> find_results(const std::string& named) {
  if (!named.empty()) return named;
  const auto paths = TRY(find_paths());
  std::error_code error;
  std::optional<std::pair<fs::file_time_type, fs::path>> newest;
  for (const auto& entry : fs::directory_iterator(paths.root / "results", error)) {
    const auto written = fs::last_write_time(entry.path() / "nslab.sqlite", error);
    if (!error && (!newest || written > newest->first)) newest = {written, entry.path()};
  }
  if (!newest) return user_error("there are no results yet: 'nslab run configs/smoke.toml' makes some");
  return newest->second.string();
}

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

namespace {

struct Arguments {
  std::string results;
  std::int64_t run = 0;
  std::string statistic;
  std::string reference;
  std::string format = "text";
  std::string a;
  std::string b;
};

struct Loaded {
  std::string folder;
  RunRecord run;
  std::vector<Sample> samples;
  ReportOptions options;
};

Result<Loaded> load(const Arguments& arguments) {
  Loaded loaded;
  const auto folder = TRY(find_results(arguments.results));
  loaded.folder = folder;
  auto store = TRY(Store::open_existing(folder));
  auto run = TRY(store.run(arguments.run > 0 ? std::optional(arguments.run) : std::nullopt));
  loaded.run = std::move(run);
  auto samples = TRY(store.samples(loaded.run.id));
  loaded.samples = std::move(samples);

  // The experiment's own wishes, unless the command line has others.
  const auto manifest = nlohmann::json::parse(loaded.run.manifest, nullptr, false);
  const auto experiment =
      parse_experiment(manifest.is_object() ? manifest.value("experiment", "") : "", loaded.run.experiment);
  std::string statistic = arguments.statistic;
  loaded.options.reference = arguments.reference;
  if (experiment) {
    if (statistic.empty()) statistic = experiment->statistic;
    if (loaded.options.reference.empty()) loaded.options.reference = experiment->reference;
    loaded.options.margin_percent = experiment->margin_percent;
  }
  if (statistic.empty()) statistic = "mean";
  const auto parsed = statistic_from(statistic);
  if (!parsed) return user_error("there is no statistic '{}'; there are: mean, minimum, median", statistic);
  loaded.options.statistic = *parsed;
  return loaded;
}

void declare_common(CLI::App& verb, Arguments& arguments) {
  verb.add_option("--run", arguments.run, "the run's number (default: the newest)");
  verb.add_option("--statistic", arguments.statistic, "mean (work paid for), minimum (the bare path) or median");
}

}  // namespace

void declare_report(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("report", "tables on the screen; tables, plots and a page in the results folder");
  verb->add_option("RESULTS", arguments->results, "results folder (default: the newest under results/)");
  verb->add_option("--reference", arguments->reference, "the kernel that differences are given against");
  verb->add_option("--format", arguments->format, "text or markdown")->check(CLI::IsMember({"text", "markdown"}));
  declare_common(*verb, *arguments);
  verb->callback([arguments, &action] {
    action = [arguments]() -> Result<void> {
      const auto paths = TRY(find_paths());
      const auto loaded = TRY(load(*arguments));
      const auto report = TRY(make_report(loaded.run, loaded.samples, loaded.options));
      if (arguments->format == "markdown") {
        fmt::print("{}", render_markdown(report));
        return {};
      }
      fmt::print("{}\n", render_text(report, terminal_columns()));
      std::fflush(stdout);
      const auto plots = TRY(write_plots(report, loaded.folder, (paths.root / "plots").string()));
      const auto page = TRY(write_html(report, loaded.folder));
      const std::string markdown = (fs::path(loaded.folder) / "report.md").string();
      TRY(write_file(markdown, render_markdown(report)));
      for (const std::string& plot : plots) fmt::print("plot:  {}\n", plot);
      fmt::print("table: {}\npage:  {}\n", markdown, page);
      return {};
    };
  });
}

void declare_compare(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("compare", "two kernels of a run, cell by cell: difference, interval, verdict");
  verb->add_option("A", arguments->a, "a kernel")->required();
  verb->add_option("B", arguments->b, "the kernel it is compared with")->required();
  verb->add_option("--results", arguments->results, "results folder (default: the newest under results/)");
  declare_common(*verb, *arguments);
  verb->callback([arguments, &action] {
    action = [arguments]() -> Result<void> {
      const auto loaded = TRY(load(*arguments));
      const auto text =
          compare_text(loaded.run, loaded.samples, arguments->a, arguments->b, loaded.options, terminal_columns());
      if (!text) return text.error();
      fmt::print("{}", *text);
      return {};
    };
  });
}

}  // namespace nslab
