// SPDX-License-Identifier: GPL-2.0
#include "headlines.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "contrasts.h"
#include "numbers.h"
#include "symbols.h"

namespace nslab {

namespace {

struct Operation {
  std::string_view name;
  bool same_at_depths = true;  ///< it does the same work at every depth
};
constexpr std::array<Operation, 11> kHeadlines = {{{"fork_exit_wait"},
                                                   {"vfork_exit_wait"},
                                                   {"thread_create_join"},
                                                   {"fork_exec_static"},
                                                   {"fork_exec_dynamic"},
                                                   {"spawn"},
                                                   {"execl"},
                                                   {"nptl"},
                                                   {"getpid"},
                                                   {"kill_child"},
                                                   {"proc_readdir_100", false}}};
constexpr double kLeast = 0.05;  // instructions a repetition: less is not worth a line

bool is_measured(const Report& report, const std::string& benchmark, const std::string& kernel, int depth) {
  const auto cell = report.views.front().cells.find({benchmark, kernel, depth});
  return cell != report.views.front().cells.end() && cell->second.state == Cell::State::measured;
}

}  // namespace

bool is_headline(const std::string& benchmark) {
  return std::any_of(kHeadlines.begin(), kHeadlines.end(),
                     [&](const Operation& operation) { return operation.name == benchmark; });
}

std::vector<HeadlineDifference> headline_differences(const Report& report) {
  std::vector<HeadlineDifference> found;
  const auto add = [&](HeadlineDifference d) {
    d.condition = d.baseline_condition = report.condition;
    if (!is_measured(report, d.benchmark, d.kernel, d.depth)) return;
    if (!is_measured(report, d.benchmark, d.baseline, d.baseline_depth)) return;
    // The same the other way round says nothing more.
    const HeadlineDifference mirrored{d.benchmark, d.baseline,  d.baseline_depth,    d.kernel,
                                      d.depth,     d.condition, d.baseline_condition};
    for (const HeadlineDifference& known : {d, mirrored}) {
      if (std::find(found.begin(), found.end(), known) != found.end()) return;
    }
    found.push_back(d);
  };
  const auto contrasts = contrasts_of(report.kernels);
  for (const Operation& operation : kHeadlines) {
    const std::string benchmark(operation.name);
    for (const int depth : report.depths) {
      if (depth > 1) break;
      for (const std::string& kernel : report.kernels) {
        if (kernel == report.reference) continue;
        add({benchmark, kernel, depth, report.reference, depth});
      }
      for (const Contrast& contrast : contrasts) {
        if (contrast.a.size() != 1 || contrast.b.size() != 1) continue;
        add({benchmark, contrast.b.front(), depth, contrast.a.front(), depth});
      }
    }
    if (!operation.same_at_depths) continue;
    for (const std::string& kernel : report.kernels) {
      const auto measured = [&](int depth) { return depth > 0 && is_measured(report, benchmark, kernel, depth); };
      const auto nearest = std::find_if(report.depths.begin(), report.depths.end(), measured);
      if (nearest == report.depths.end()) continue;
      add({benchmark, kernel, *nearest, kernel, 0});
      add({benchmark, kernel, *std::find_if(report.depths.rbegin(), report.depths.rend(), measured), kernel, 0});
    }
  }
  return found;
}

std::vector<HeadlineDifference> differences_from_reference(const Report& report) {
  std::vector<HeadlineDifference> found;
  for (const std::string& benchmark : report.benchmarks) {
    for (const int depth : report.depths) {
      if (!is_measured(report, benchmark, report.reference, depth)) continue;
      for (const std::string& kernel : report.kernels) {
        if (kernel == report.reference || !is_measured(report, benchmark, kernel, depth)) continue;
        found.push_back({benchmark, kernel, depth, report.reference, depth, report.condition, report.condition});
      }
    }
  }
  return found;
}

std::vector<Explanation> explanations_of(const HeadlineDifference& headline, const Why& why) {
  std::vector<Explanation> lines;
  const auto add = [&](const std::string& part, const std::string& function, const std::string& code,
                       const WhyDifference& d) {
    const double difference = d.b - d.a;
    const Interval interval =
        d.estimate.exact || !d.estimate.interval ? Interval{difference, difference} : *d.estimate.interval;
    lines.push_back({headline.benchmark, headline.kernel, headline.depth, headline.baseline, headline.baseline_depth,
                     part, function, code, d.a, d.b, std::min(interval.low, difference),
                     std::max(interval.high, difference), headline.condition});
  };
  add(kPartAll, "", "", why.whole);
  add(kPartChanged, "", "", why.changed_sum);
  for (const WhyRow& cause : why.causes) add(cause.cause, "", "", cause.instructions);
  std::vector<const WhyRow*> rows;
  for (const auto* list : {&why.changed, &why.induced}) {
    for (const WhyRow& row : *list) {
      if (std::abs(row.instructions.difference()) >= kLeast) rows.push_back(&row);
    }
  }
  // First those that are known to differ: a function that runs seldom has a large difference by chance.
  const auto rank = [](const WhyRow* row) {
    const Estimate& e = row->instructions.estimate;
    const bool known = e.exact || (e.interval && !e.interval->holds(0));
    return std::pair(known, std::abs(row->instructions.difference()));
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const WhyRow* x, const WhyRow* y) { return rank(x) > rank(y); });
  if (rows.size() > kKeptFunctions) rows.resize(kKeptFunctions);
  for (const WhyRow* row : rows) {
    add(row->cause.empty() ? kPartChanged : row->cause, row->function, words_for(row->change), row->instructions);
  }
  for (const auto& [name, of] : {std::pair(kUnplaced, &why.unplaced), {kEarlier, &why.earlier_tasks}}) {
    WhyDifference sides;
    sides.a = (*of)[0];
    sides.b = (*of)[1];
    sides.estimate.exact = true;  // the sides are what is asked for
    add(kPartAll, name, "", sides);
  }
  return lines;
}

std::vector<std::vector<Explanation>> by_headline(const std::vector<Explanation>& explanations) {
  std::vector<std::vector<Explanation>> groups;
  for (const Explanation& line : explanations) {
    if (groups.empty() || (line.function.empty() && line.part == kPartAll)) groups.emplace_back();
    groups.back().push_back(line);
  }
  return groups;
}

std::string difference_text(const Explanation& line) {
  const double half = Interval{line.low, line.high}.half_width();
  // Of what is the same in each pair, and of rare work, as many digits as show it.
  if (line.exact()) return format_signed(line.difference(), decimals_that_show(line.difference(), 0)) + " exact";
  const int decimals = decimals_that_show(half, half >= 10 ? 0 : 1);
  return format_signed(line.difference(), decimals) + " ± " + format_number(half, decimals);
}

}  // namespace nslab
