// SPDX-License-Identifier: GPL-2.0
#include "loaded_run.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "compare.h"
#include "experiment.h"
#include "files.h"
#include "output.h"
#include "paths.h"
#include "text_store.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// What a results folder would show: the run that is shown unless another is asked for.
Result<RunRecord> shown_run(const fs::path& folder) {
  auto store = TRY(Store::open_existing(folder.string()));
  return store.run(std::nullopt);
}

}  // namespace

Result<std::string> newest_results(const fs::path& results) {
  std::vector<std::pair<fs::file_time_type, fs::path>> stores;
  for (const fs::path& entry : TRY(entries_of(results))) {
    std::error_code error;
    const auto written = fs::last_write_time(entry / "nslab.sqlite", error);
    if (!error) stores.emplace_back(written, entry);
  }
  std::stable_sort(stores.begin(), stores.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [written, folder] : stores) {
    const auto run = shown_run(folder);
    if (run && run->experiment == kWhyExperiment) continue;
    if (run && run->boots_done > 0) return folder.string();
    print_err("nslab: {} is passed over: {}\n", folder.string(),
              run ? fmt::format("run {} has no boot yet", run->id) : run.error().message);
  }
  return user_error(
      "there are no results yet: 'nslab run configs/smoke.toml' makes some. Without waiting: add "
      "results/reference/smoke to 'report', or --results results/reference/smoke to 'compare'");
}

Result<std::string> find_results(const std::string& named) {
  const auto paths = TRY(find_paths_to_read());
  return named.empty() ? newest_results(paths.results) : paths.named(named).string();
}

std::optional<std::int64_t> run_number(const RunChoice& choice) {
  return choice.run > 0 ? std::optional<std::int64_t>(choice.run) : std::nullopt;
}

void declare_run_choice(Arguments& arguments, RunChoice& choice) {
  arguments.option("--run", choice.run, 1, 1'000'000'000, "the run's number (default: the newest that is finished)");
  arguments.choice("--statistic", choice.statistic, {"mean", "minimum", "median"},
                   "mean is the work that is paid for, minimum the bare path (default: as the experiment says)");
  arguments.option("--condition", choice.condition,
                   "the condition that is shown, as 'host' (default: the experiment's first; docs/conditions.md)",
                   "NAME");
}

namespace {

/// A run that is under way, or was aborted, must not hide a finished one, nor be hidden by it without a word.
Result<void> tell_of_newer_run(const std::string& folder, const RunRecord& shown) {
  auto store = TRY(Store::open_existing(folder));
  const auto runs = TRY(store.runs());
  if (runs.empty() || runs.back().id == shown.id) return {};
  const RunRecord& newest = runs.back();
  print_err("nslab: this is run {}; run {} is newer and not finished ({} of {} boots): --run {} shows it\n", shown.id,
            newest.id, newest.boots_done, newest.boots_planned, newest.id);
  return {};
}

/// The conditions of the samples: the one that was asked for, or else the experiment's first, then the others.
Result<std::vector<std::string>> conditions_of(const std::vector<Sample>& samples, const RunRecord& run,
                                               const std::string& asked) {
  std::vector<std::string> conditions;
  const auto add = [&](const std::string& name) {
    const auto is = [&](const Sample& sample) { return sample.condition == name; };
    if (std::find(conditions.begin(), conditions.end(), name) != conditions.end()) return;
    if (std::any_of(samples.begin(), samples.end(), is)) conditions.push_back(name);
  };
  if (const auto experiment = experiment_of(run)) {
    for (const Condition& condition : experiment->conditions()) add(name_of(condition));
  }
  for (const Sample& sample : samples) add(sample.condition);
  if (asked.empty() || conditions.empty()) return conditions;
  const std::string wanted = TRY(condition_in(conditions, run, asked));
  const auto found = std::find(conditions.begin(), conditions.end(), wanted);
  std::rotate(conditions.begin(), found, found + 1);
  return conditions;
}

}  // namespace

Result<std::string> condition_in(const std::vector<std::string>& conditions, const RunRecord& run,
                                 const std::string& asked) {
  std::string wanted = name_of(TRY(condition_from(asked)));
  if (std::find(conditions.begin(), conditions.end(), wanted) != conditions.end()) return wanted;
  return user_error("run {} ({}) has no condition '{}'; it has: {}", run.id, run.experiment, wanted,
                    fmt::join(conditions, ", "));
}

ReportOptions options_for(const std::vector<Sample>& samples, ReportOptions options) {
  const auto is_reference = [&](const Sample& sample) { return sample.kernel == options.reference; };
  if (std::none_of(samples.begin(), samples.end(), is_reference)) options.reference.clear();
  return options;
}

Result<LoadedRun> load_run(const RunChoice& choice) {
  LoadedRun loaded;
  loaded.folder = TRY(find_results(choice.results));
  loaded.is_text = is_text_run(loaded.folder);
  auto stored = TRY(load_stored_run(loaded.folder, run_number(choice)));
  loaded.samples = stored.samples();
  loaded.run = std::move(stored.run);
  loaded.conditions = TRY(conditions_of(loaded.samples, loaded.run, choice.condition));
  loaded.explanations = std::move(stored.explanations);
  if (!loaded.is_text && choice.run == 0) TRY(tell_of_newer_run(loaded.folder, loaded.run));

  std::string statistic = choice.statistic;
  loaded.options.reference = choice.reference;
  if (const auto experiment = experiment_of(loaded.run)) {
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

Result<Report> loaded_report(const LoadedRun& loaded) {
  if (loaded.conditions.empty()) return make_report(loaded.run, loaded.samples, loaded.options);
  std::vector<Report> reports;
  for (const std::string& condition : loaded.conditions) {
    const auto samples = under(condition, loaded.samples);
    // Another condition than the one that is shown may have been measured without the reference.
    const auto options = reports.empty() ? loaded.options : options_for(samples, loaded.options);
    reports.push_back(TRY(make_report(loaded.run, samples, options)));
    reports.back().explanations = under(condition, loaded.explanations);
  }
  Report shown = std::move(reports.front());
  shown.elsewhere.assign(std::make_move_iterator(reports.begin() + 1), std::make_move_iterator(reports.end()));
  return shown;
}

Result<std::string> mail_of(const LoadedRun& loaded, const std::string& a, const std::string& b) {
  const std::string condition = loaded.conditions.empty() ? "" : loaded.conditions.front();
  return compare_for_mail(loaded.run, under(condition, loaded.samples), under(condition, loaded.explanations), a, b,
                          loaded.options);
}

}  // namespace nslab
