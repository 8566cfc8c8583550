// SPDX-License-Identifier: GPL-2.0
#include "run_differences.h"

#include "kernel_build.h"

namespace nslab {

Result<RunDifferences> RunDifferences::make(const Paths& paths, Store& store, const std::vector<BootRecord>& boots) {
  RunDifferences differences(store, boots);
  for (const BootRecord& boot : boots) {
    if (boot.key.empty()) {
      return user_error("some boots come from a run in its text form, which does not keep the calls");
    }
    if (differences.kernels_.contains(boot.kernel)) continue;
    const Kernel kernel = KernelCache(paths.cache).kernel(boot.kernel, boot.kernel_hash);
    if (!is_intact(kernel).value_or(false)) {
      return machine_error(
          "the cache does not hold the kernel {} as it was built: the command that measured it builds it anew",
          boot.kernel);
    }
    differences.kernels_[boot.kernel] = kernel.vmlinux();
  }
  return differences;
}

Result<const RunDifferences::Cell*> RunDifferences::cell(const std::string& kernel, const std::string& condition,
                                                         int depth, const std::string& benchmark) {
  const auto [at, added] = cells_.try_emplace({kernel, condition, depth, benchmark});
  if (!added) return &at->second;
  for (const BootRecord& boot : *boots_) {
    if (boot.kernel != kernel || boot.condition != condition) continue;
    for (const Sample& sample : boot.samples) {
      if (sample.depth != depth || sample.benchmark != benchmark) continue;
      at->second.iterations = sample.iterations;
      at->second.by_seed.emplace(boot.seed, TRY(store_->tree(boot.key, depth, benchmark)));
    }
  }
  return &at->second;
}

Result<WhyQuestion> RunDifferences::question(const HeadlineDifference& difference, const std::string& profile) {
  const Cell* const a =
      TRY(cell(difference.baseline, difference.baseline_condition, difference.baseline_depth, difference.benchmark));
  const Cell* const b = TRY(cell(difference.kernel, difference.condition, difference.depth, difference.benchmark));
  WhyQuestion question{.benchmark = difference.benchmark,
                       .profile = profile,
                       .iterations = a->iterations,
                       .a = {difference.baseline, difference.baseline_depth, {}, difference.baseline_condition},
                       .b = {difference.kernel, difference.depth, {}, difference.condition}};
  for (const auto& [seed, tree] : a->by_seed) {
    const auto other = b->by_seed.find(seed);
    if (other == b->by_seed.end()) continue;
    question.a.trees.push_back(tree);
    question.b.trees.push_back(other->second);
  }
  question.changes = TRY(code_.changes(kernels_.at(question.a.kernel), question.a.trees, kernels_.at(question.b.kernel),
                                       question.b.trees));
  return question;
}

}  // namespace nslab
