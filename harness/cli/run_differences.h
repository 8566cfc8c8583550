// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "call_tree.h"
#include "headlines.h"
#include "machine_code.h"
#include "paths.h"
#include "result.h"
#include "sample.h"
#include "store.h"
#include "why.h"

namespace nslab {

/// Takes differences between the cells of a run apart: the calls from its store, the machine code from the kernels in
/// the cache. Each is read once.
class RunDifferences {
 public:
  /// `boots` are the run's; they and `store` must live as long. Exit::machine when a kernel of theirs is not in the
  /// cache as it was built: the names and the code of another one would be found in it. Exit::user when boots come from
  /// a run in its text form, which does not keep the calls.
  static Result<RunDifferences> make(const Paths& paths, Store& store, const std::vector<BootRecord>& boots);

  /// The question for explain(), with the trees of the seeds that both sides have. Fails as Store::tree() does where a
  /// cell has none.
  Result<WhyQuestion> question(const HeadlineDifference& difference, const std::string& profile);

 private:
  struct Cell {
    std::map<std::uint64_t, CallTree> by_seed;
    std::uint64_t iterations = 0;
  };

  RunDifferences(Store& store, const std::vector<BootRecord>& boots) : store_(&store), boots_(&boots) {}
  Result<const Cell*> cell(const std::string& kernel, const std::string& condition, int depth,
                           const std::string& benchmark);

  Store* store_;
  const std::vector<BootRecord>* boots_;
  std::map<std::string, std::filesystem::path> kernels_;  ///< vmlinux by the kernel's name
  std::map<std::tuple<std::string, std::string, int, std::string>, Cell> cells_;
  CodeComparer code_;
};

}  // namespace nslab
