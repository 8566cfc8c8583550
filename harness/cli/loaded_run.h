// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "report.h"
#include "sample.h"
#include "verb.h"

namespace nslab {

/// Which run a verb reads, and by which statistic: the arguments that such verbs share.
struct RunChoice {
  std::string results;
  int run = 0;
  std::string statistic;
  std::string reference;
  std::string condition;
};

/// Declares --run, --statistic and --condition; the results folder is the verb's own to declare.
void declare_run_choice(Arguments& arguments, RunChoice& choice);

/// A run with its samples, and how its experiment wants them to be reported.
struct LoadedRun {
  std::string folder;
  bool is_text = false;  ///< the folder has the run in its text form: nothing else is to be written there
  RunRecord run;
  std::vector<std::string> conditions;    ///< of the samples: first the one that is shown, then the experiment's order
  std::vector<Sample> samples;            ///< of all conditions
  std::vector<Explanation> explanations;  ///< of all conditions; made against the reference that the experiment has
  ReportOptions options;
};

/// The name of the experiment that 'nslab why' makes for its question.
inline constexpr const char* kWhyExperiment = "why";

/// Of the folders in `results` that have a boot to show, the one whose store was written last; but none of 'nslab why',
/// whose boots answer one question. Says which newer ones it passes over, and why. Exit::user when there is none.
Result<std::string> newest_results(const std::filesystem::path& results);
/// The named folder, or the newest one under results/.
Result<std::string> find_results(const std::string& named);

/// The run's number, where the command line gives one.
std::optional<std::int64_t> run_number(const RunChoice& choice);

/// The samples or explanations of one condition.
template <class Item>
std::vector<Item> under(const std::string& condition, const std::vector<Item>& items) {
  std::vector<Item> some;
  std::copy_if(items.begin(), items.end(), std::back_inserter(some),
               [&](const Item& item) { return item.condition == condition; });
  return some;
}

/// The full name of a condition that is asked for. Exit::user when it is none, or when the run does not have it.
Result<std::string> condition_in(const std::vector<std::string>& conditions, const RunRecord& run,
                                 const std::string& asked);

/// The options for these samples, which are of one condition: without their reference where it was not measured there.
ReportOptions options_for(const std::vector<Sample>& samples, ReportOptions options);

/// Reads the run from find_results(), a store or a run in its text form. What the command line
/// leaves open is as the experiment says. Exit::user when there is no such folder, run or statistic.
Result<LoadedRun> load_run(const RunChoice& choice);

/// The report of a loaded run, with what its differences are made of, and with its other conditions elsewhere. Fails as
/// make_report() does.
Result<Report> loaded_report(const LoadedRun& loaded);

/// compare_for_mail() under the condition that is shown.
Result<std::string> mail_of(const LoadedRun& loaded, const std::string& a, const std::string& b);

}  // namespace nslab
