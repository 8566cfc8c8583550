// SPDX-License-Identifier: GPL-2.0
#include "clock.h"
#include "explain_run.h"
#include "hash.h"
#include "loaded_run.h"
#include "locks.h"
#include "merge.h"
#include "output.h"
#include "paths.h"
#include "text.h"
#include "verb.h"

namespace nslab::verb_merge {
namespace {

struct MergeArguments {
  std::vector<std::string> results;
  std::string output;
};

void declare_arguments(Arguments& arguments, MergeArguments& values) {
  arguments.positional("RESULTS", values.results, "the results folders; of each, the newest finished run is taken",
                       "FOLDER");
  arguments.option("--output", values.output, "the results folder that gets the joined run; required", "FOLDER");
}

Result<void> act(const MergeArguments& arguments) {
  if (arguments.output.empty()) return user_error("--output is missing: the folder that gets the joined run");
  std::vector<MergePart> parts;
  Hasher key;
  for (const std::string& named : arguments.results) {
    const std::string folder = TRY(find_results(named));
    StoredRun stored = TRY(load_stored_run(folder, std::nullopt));
    if (!is_text_run(folder)) {
      auto store = TRY(Store::open_existing(folder));
      for (BootRecord& boot : stored.boots) boot.trees = TRY(store.trees(boot.key));
    }
    parts.push_back({folder, std::move(stored)});
    for (const BootRecord& boot : parts.back().stored.boots) key.part("boot", boot.key);
  }
  const StoredRun joined = TRY(merge_runs(parts));
  if (is_text_run(arguments.output)) {
    return user_error("{} has a run in its text form: name another folder", arguments.output);
  }
  auto store = TRY(Store::open(arguments.output));
  const auto lock = TRY(FileLock::attempt(std::filesystem::path(arguments.output) / "nslab.lock"));
  if (!lock.has_value()) return user_error("another nslab runs in {}; wait for it", arguments.output);
  const RunRecord run = TRY(store.begin("merged " + key.hex(), joined.run));
  const auto check = [&](Store::Added added) -> Result<void> {
    if (added == Store::Added::stored) return {};
    return machine_error("{} is in use by another program; end it and give the same command again", arguments.output);
  };
  for (const BootRecord& boot : joined.boots) TRY(check(TRY(store.add(run.id, boot))));
  for (const BootFailure& failure : joined.run.failures) TRY(check(TRY(store.add_failure(run.id, failure))));
  if (joined.run.failures.empty()) {
    TRY(store.finish(run.id, joined.run.finished));
    TRY(explain_run(TRY(find_paths_to_read()), store, run));
  }
  print_out("run {} of {}: {} from {} stored in {}\n", run.id, run.experiment, counted(joined.boots.size(), "boot"),
            counted(parts.size(), "folder"), arguments.output);
  return {};
}

const RegisterVerb registered({
    .name = "merge",
    .help = "join runs of one experiment that were measured apart",
    .examples = "  nslab merge here/smoke there/smoke --output results/both     seeds 1-5 and 6-10, as one run",
    .declare = verb_body<MergeArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_merge
