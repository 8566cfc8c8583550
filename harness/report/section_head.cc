// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "condition.h"
#include "sections.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

std::string inconsistent_text(const Report& report, const CellKey& key) {
  const Cell& cell = report.views.front().cells.at(key);
  return fmt::format(
      "ERROR: {} was refused ({}) in {} boots and measured in {}. The same kernel answered differently from boot to "
      "boot. That is a fault, so no figure is given.",
      place_text(key), cell.refusal, cell.refused_boots, cell.measured_boots);
}

/// One text a kernel: how many of its boots failed, and how the first one did.
std::vector<std::string> failure_texts(const RunRecord& run) {
  std::map<std::string, std::vector<const BootFailure*>> by_kernel;
  for (const BootFailure& failure : run.failures) by_kernel[failure.kernel].push_back(&failure);
  std::vector<std::string> texts;
  for (const auto& [kernel, failures] : by_kernel) {
    std::vector<std::uint64_t> seeds;
    for (const BootFailure* failure : failures) {
      if (failure->error.find(kNotBooted) == std::string::npos) seeds.push_back(failure->seed);
    }
    const std::size_t untried = failures.size() - seeds.size();
    std::string what = fmt::format("{} of {} (seed{} {})", counted(seeds.size(), "boot"), kernel,
                                   seeds.size() == 1 ? "" : "s", fmt::join(seeds, ", "));
    if (seeds.empty()) what = kernel;
    if (untried > 0) what += fmt::format("; {} not tried", counted(untried, "boot"));
    const std::string& error = failures.front()->error;
    texts.push_back(fmt::format("FAILED: {}. The first: {}", what, error.substr(0, error.find('\n'))));
  }
  return texts;
}

/// "fork on multi at depth 0 (2), …": the cells with the most involuntary switches.
std::string switched_text(const Report& report) {
  constexpr std::size_t named = 5;
  const std::span<const CellKey> cells(report.switched);
  std::string list;
  for (const CellKey& key : cells.first(std::min(named, cells.size()))) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", place_text(key),
                        report.views.front().cells.at(key).involuntary_switches);
  }
  if (cells.size() > named)
    list += fmt::format(" and {}, with no more than that each", counted(cells.size() - named, "more cell"));
  return fmt::format(
      "These cells had involuntary context switches (how many, in all boots together): {}. The list has no cell with a "
      "switch in every {}th repetition or more: there the operation itself creates the tasks that preempt it.",
      list, kRepetitionsToASwitch);
}

/// "quiet (…)", and which other ones the run has.
std::string condition_text(const Report& report) {
  const auto condition = condition_from(report.condition);
  std::string text = report.condition + (condition ? " (" + words_for(*condition) + ")" : "");
  if (report.elsewhere.empty()) return text;
  std::vector<std::string> others;
  for (const Report& other : report.elsewhere) others.push_back(other.condition);
  return fmt::format(
      "{}. This run has other conditions as well: {}. Figures of different conditions are compared in "
      "one section alone, and otherwise where --condition asks for it.",
      text, fmt::join(others, ", "));
}

}  // namespace

Document head_section(const Report& report) {
  const RunRecord& run = report.run;
  const bool disturbed = properties_of(run.meter).switches_disturb;
  Document head = {{Block::Kind::title, report_title(run)}};
  for (const CellKey& key : report.inconsistent) head.push_back({Block::Kind::error, inconsistent_text(report, key)});
  for (std::string& text : failure_texts(run)) head.push_back({Block::Kind::error, std::move(text)});
  append(head, cautions(run));
  const auto warn = [&](std::string text) { head.push_back({Block::Kind::warning, std::move(text)}); };
  for (const std::string& text : report.not_of_today) warn("NOT OF TODAY: " + text);
  if (!report.options.reference.empty() && report.options.reference != report.reference) {
    warn(fmt::format("No boot of the reference, {}, was measured: differences are given against {}.",
                     report.options.reference, baseline_text(report.reference)));
  }
  if (report.unpaired_cells > 0) {
    warn(
        fmt::format("{} cell{} boots whose seed the reference lacks. A difference uses only the seeds that both have; "
                    "the cell with "
                    "the fewest has {}.",
                    report.unpaired_cells, report.unpaired_cells == 1 ? " has" : "s have", report.fewest_pairs));
  }
  for (const auto& [benchmark, fewest, most] : report.unequal_repetitions) {
    warn(fmt::format(
        "{}: the number of repetitions is not the same in all cells (it is {} to {}). That alone moves the mean.",
        benchmark, fewest, most));
  }
  if (report.incomplete_rounds > 0) {
    warn(
        fmt::format("{} {} not part of any figure: another build of the same kernel lacks their round, so that the "
                    "builds would not be "
                    "compared under the same conditions. The same command makes the boots that are missing.",
                    counted(report.incomplete_rounds, "sample"), report.incomplete_rounds == 1 ? "is" : "are"));
  }
  if (std::string text = disturbed_text(report); !text.empty()) warn(std::move(text));
  if (disturbed && !report.switched.empty()) {
    warn(fmt::format("Something else ran on the vCPU now and then. {} Look at the minimum as well.",
                     switched_text(report)));
  }
  head.push_back({.kind = Block::Kind::facts,
                  .facts = {{"meter", fmt::format("{} ({} per operation)", name_of(run.meter), run.unit())},
                            {"accelerator", run.accelerator},
                            {"base, profile",
                             run.profile == kAsGiven ? run.profile : fmt::format("{}, {}", run.base, run.profile)},
                            {"condition", condition_text(report)},
                            {"boots", fmt::format("{} of {}{}; {}", run.boots_done, run.boots_planned,
                                                  report.elsewhere.empty() ? "" : " under all conditions",
                                                  boots_text(report, report.views.front()))},
                            {"reference", reference_text(report)},
                            {"started", run.started},
                            {"finished", run.finished.empty() ? "not yet" : run.finished}}});
  if (report.builds > 1) {
    head.back().facts.emplace_back(
        "builds", fmt::format("{} of each kernel, with code and data at other addresses. A value is the mean over the "
                              "boots of one build, so that 'pairs of boots' on this page are pairs of builds.",
                              report.builds));
  }
  if (std::string text = addresses_text(report.timed); !text.empty())
    head.back().facts.emplace_back("addresses", std::move(text));
  if (const std::string given = given_kernels_text(run); !given.empty()) {
    head.back().facts.emplace_back("as given", given);
  }
  if (!disturbed && !report.switched.empty()) {
    head.back().facts.emplace_back(
        "other work",
        "Nothing is wrong. Now and then, the kernel did work of its own during a repetition. The mean is meant to "
        "include that work, and the minimum shows the cost without it. " +
            switched_text(report));
  }
  return head;
}

}  // namespace nslab
