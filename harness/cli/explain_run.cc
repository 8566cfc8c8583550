// SPDX-License-Identifier: GPL-2.0
#include "explain_run.h"

#include "experiment.h"
#include "headlines.h"
#include "loaded_run.h"
#include "output.h"
#include "progress.h"
#include "run_differences.h"
#include "signals.h"
#include "text_store.h"

namespace nslab {

Result<void> explain_run(const Paths& paths, Store& store, const RunRecord& run, bool every_cell) {
  const auto experiment = experiment_of(run);
  if (!experiment || !experiment->attribution || !TRY(store.explanations(run.id)).empty()) return {};
  const StoredRun stored{.run = run, .boots = TRY(store.boots(run.id))};
  auto differences = RunDifferences::make(paths, store, stored.boots);
  if (!differences) {
    print_err("nslab: the report will not say which functions make a difference: {}\n", differences.error().message);
    return {};
  }
  ReportOptions options;
  options.reference = experiment->reference;
  std::vector<HeadlineDifference> headlines;
  const auto samples = stored.samples();
  for (const Condition& condition : experiment->conditions()) {
    const auto some = under(name_of(condition), samples);
    const auto report = make_report(run, some, options_for(some, options));
    if (!report) continue;  // 'nslab report' says what is wrong with the samples
    const auto found = every_cell ? differences_from_reference(*report) : headline_differences(*report);
    headlines.insert(headlines.end(), found.begin(), found.end());
  }
  std::vector<Explanation> explanations;
  Progress progress("functions compared", "differences", headlines.size());
  for (std::size_t i = 0; i < headlines.size(); ++i) {
    if (interrupted()) return interruption();
    progress.update(i);
    const WhyQuestion question = TRY(differences->question(headlines[i], run.profile));
    if (question.a.trees.size() < 2) continue;
    const auto lines = explanations_of(headlines[i], explain(question));
    explanations.insert(explanations.end(), lines.begin(), lines.end());
  }
  return store.explain(run.id, explanations);
}

}  // namespace nslab
