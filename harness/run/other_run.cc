// SPDX-License-Identifier: GPL-2.0
#include "other_run.h"

#include <fmt/format.h>

#include "files.h"
#include "text.h"
#include "text_store.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

std::optional<OtherRun> other_results(const fs::path& folder, const RunRecord& run) {
  if (is_there(folder / "nslab.sqlite")) return OtherRun{"a store"};
  if (!is_text_run(folder)) return std::nullopt;
  const auto there = read_text_run(folder);
  if (!there) return std::nullopt;
  const RunRecord& other = there->run;
  const bool same_experiment = other.experiment == run.experiment;
  if (same_experiment && other.id == run.id && other.started == run.started) return std::nullopt;
  return OtherRun{fmt::format("run {} of {}, of {}, in its text form", other.id, other.experiment, other.started),
                  same_experiment};
}

/// A run's title and the time at which it started are its own, whatever statistic or reference a report is of.
std::optional<OtherRun> other_report(const fs::path& folder, const RunRecord& run) {
  const auto there = read_file(folder / "report.md");
  if (!there) return std::nullopt;
  const std::string title = "# " + without_controls(report_title(run)) + "\n";
  constexpr std::string_view kStarted = "\n- started: ";
  std::string started;
  if (const auto at = there->find(kStarted); at != std::string::npos) {
    const auto begin = at + kStarted.size();
    started = there->substr(begin, there->find('\n', begin) - begin);
  }
  if (there->starts_with(title) && started == run.started) return std::nullopt;
  return OtherRun{fmt::format("the report of another run, '{}'{}",
                              there->substr(0, there->find('\n')).substr(there->starts_with("# ") ? 2 : 0),
                              started.empty() ? "" : " of " + started),
                  there->starts_with(title.substr(0, title.rfind(" (run ") + 1))};
}

}  // namespace

std::optional<OtherRun> other_run_in(const fs::path& folder, const RunRecord& run, const fs::path& own) {
  std::error_code error;
  if (!fs::equivalent(folder, own, error)) {
    if (auto results = other_results(folder, run)) return results;
  }
  return other_report(folder, run);
}

}  // namespace nslab
