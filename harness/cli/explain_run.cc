// SPDX-License-Identifier: GPL-2.0
#include "explain_run.h"

#include "experiment.h"
#include "headlines.h"
#include "kernel_build.h"
#include "machine_code.h"
#include "output.h"
#include "progress.h"
#include "signals.h"
#include "text_store.h"

namespace nslab {

namespace {

/// The calls of the cells that the differences are about, read once.
class Trees {
 public:
  struct Cell {
    std::map<std::uint64_t, CallTree> by_seed;
    std::uint64_t iterations = 0;
  };

  Trees(Store& store, const std::vector<BootRecord>& boots) : store_(store), boots_(boots) {}

  Result<const Cell*> of(const std::string& kernel, int depth, const std::string& benchmark) {
    const auto [at, added] = cells_.try_emplace({kernel, depth, benchmark});
    if (!added) return &at->second;
    for (const BootRecord& boot : boots_) {
      if (boot.kernel != kernel) continue;
      for (const Sample& sample : boot.samples) {
        if (sample.depth != depth || sample.benchmark != benchmark) continue;
        at->second.iterations = sample.iterations;
        at->second.by_seed.emplace(boot.seed, TRY(store_.tree(boot.key, depth, benchmark)));
      }
    }
    return &at->second;
  }

 private:
  Store& store_;
  const std::vector<BootRecord>& boots_;
  std::map<std::tuple<std::string, int, std::string>, Cell> cells_;
};

/// The question, with the trees of the seeds that both sides have.
Result<WhyQuestion> question_of(const HeadlineDifference& headline, const RunRecord& run, Trees& trees) {
  const Trees::Cell* const a = TRY(trees.of(headline.baseline, headline.baseline_depth, headline.benchmark));
  const Trees::Cell* const b = TRY(trees.of(headline.kernel, headline.depth, headline.benchmark));
  WhyQuestion question{.benchmark = headline.benchmark,
                       .profile = run.profile,
                       .iterations = a->iterations,
                       .a = {headline.baseline, headline.baseline_depth, {}},
                       .b = {headline.kernel, headline.depth, {}}};
  for (const auto& [seed, tree] : a->by_seed) {
    const auto other = b->by_seed.find(seed);
    if (other == b->by_seed.end()) continue;
    question.a.trees.push_back(tree);
    question.b.trees.push_back(other->second);
  }
  return question;
}

}  // namespace

Result<void> explain_run(const Paths& paths, Store& store, const RunRecord& run) {
  const auto experiment = experiment_of(run);
  if (!experiment || !experiment->attribution || !TRY(store.explanations(run.id)).empty()) return {};
  const StoredRun stored{.run = run, .boots = TRY(store.boots(run.id))};
  std::map<std::string, std::filesystem::path> kernels;
  for (const BootRecord& boot : stored.boots) {
    if (boot.key.empty()) {
      print_err(
          "nslab: some boots come from a run in its text form, which does not keep the calls: the report will not say "
          "which functions make a difference\n");
      return {};
    }
    if (kernels.contains(boot.kernel)) continue;
    const Kernel kernel = KernelCache(paths.cache).kernel(boot.kernel, boot.kernel_hash);
    kernels[boot.kernel] = kernel.vmlinux();
    // The names and the code of another kernel would be found in it.
    if (is_intact(kernel).value_or(false)) continue;
    print_err(
        "nslab: the cache does not hold the kernel {} as it was built: the report will not say which functions make a "
        "difference. 'nslab run' with the same experiment builds it anew, and adds that\n",
        boot.kernel);
    return {};
  }
  ReportOptions options;
  options.reference = experiment->reference;
  const auto report = make_report(run, stored.samples(), options);
  if (!report) return {};  // 'nslab report' says what is wrong with the samples
  const auto headlines = headline_differences(*report);
  Trees trees(store, stored.boots);
  CodeComparer code;
  std::vector<Explanation> explanations;
  Progress progress("functions compared", "differences", headlines.size());
  for (std::size_t i = 0; i < headlines.size(); ++i) {
    if (interrupted()) return interruption();
    progress.update(i);
    WhyQuestion question = TRY(question_of(headlines[i], run, trees));
    if (question.a.trees.size() < 2) continue;
    question.changes = TRY(
        code.changes(kernels.at(question.a.kernel), question.a.trees, kernels.at(question.b.kernel), question.b.trees));
    const auto lines = explanations_of(headlines[i], explain(question));
    explanations.insert(explanations.end(), lines.begin(), lines.end());
  }
  return store.explain(run.id, explanations);
}

}  // namespace nslab
