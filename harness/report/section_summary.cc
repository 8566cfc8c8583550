// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>

#include "numbers.h"
#include "sections.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

/// The operation that stands for a run is the first of these that it has: a process, then a thread, as in the debate of
/// 2007. Of a run that has none of them it is its first fork, and without any the one with the largest difference.
constexpr std::string_view kOperations[] = {"fork_exit_wait", "nptl", "thread_create_join", "vfork_exit_wait"};

/// More kernels than this are shown by the two ends of their range.
constexpr std::size_t kNamed = 4;

/// A cell with one of its comparisons.
struct Entry {
  CellKey key;
  const Comparison* comparison;
};

/// "none, multi and flat".
std::string listed(const std::vector<std::string>& items) {
  if (items.size() < 2) return items.empty() ? "" : items.front();
  return fmt::format("{} and {}", fmt::join(items.begin(), items.end() - 1, ", "), items.back());
}

std::string depths_text(const std::vector<int>& depths) {
  if (depths.size() == 1) return fmt::format("depth {}", depths.front());
  return fmt::format("depths {} {} {}", depths.front(), depths.size() == 2 ? "and" : "to", depths.back());
}

double size_of(const Comparison& c) { return c.percent.value_or(c.difference); }

/// "+3,471 ± 967 (+0.97 %)", and whether the difference is decided where it is not.
std::string result_text(const Comparison& c, Meter meter) {
  std::string text = difference_and_percent(c, meter);
  if (c.verdict == Verdict::equivalent) text += ", equivalent";
  if (c.verdict == Verdict::undecided) text += ", undecided";
  return text;
}

/// Each kernel's result; of many kernels the lowest and the highest.
std::string results_text(std::vector<Entry> entries, Meter meter) {
  const auto one = [&](const Entry& e) { return e.key.kernel + " " + result_text(*e.comparison, meter); };
  if (entries.size() > kNamed) {
    const auto [low, high] = std::minmax_element(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return size_of(*a.comparison) < size_of(*b.comparison);
    });
    return fmt::format("{} kernels, from {} to {}", entries.size(), one(*low), one(*high));
  }
  std::string text;
  for (const Entry& entry : entries) text += (text.empty() ? "" : "; ") + one(entry);
  return text;
}

/// The first of kOperations that these entries have, or else their first fork. Such an operation does the same work at
/// every depth.
std::optional<std::string> standing_operation(const std::vector<Entry>& entries) {
  for (const std::string_view name : kOperations) {
    if (std::any_of(entries.begin(), entries.end(), [&](const Entry& e) { return e.key.benchmark == name; }))
      return std::string(name);
  }
  const auto fork =
      std::find_if(entries.begin(), entries.end(), [](const Entry& e) { return e.key.benchmark.starts_with("fork_"); });
  return fork == entries.end() ? std::nullopt : std::optional(fork->key.benchmark);
}

/// The operation that stands for these entries, which are not empty.
std::string operation_of(const std::vector<Entry>& entries) {
  if (const auto standing = standing_operation(entries)) return *standing;
  return std::max_element(entries.begin(), entries.end(),
                          [](const Entry& a, const Entry& b) {
                            return std::abs(size_of(*a.comparison)) < std::abs(size_of(*b.comparison));
                          })
      ->key.benchmark;
}

/// The cells at one depth with a comparison, in the order of the report's kernels.
std::vector<Entry> entries_at(const Report& report, int depth,
                              const std::function<const Comparison*(const Cell&)>& comparison) {
  std::vector<Entry> entries;
  for (const std::string& kernel : report.kernels) {
    for (const auto& [key, cell] : report.views.front().cells) {
      if (key.kernel != kernel || key.depth != depth) continue;
      if (const Comparison* c = comparison(cell)) entries.push_back({key, c});
    }
  }
  return entries;
}

std::vector<Entry> of_benchmark(const std::vector<Entry>& entries, const std::string& benchmark) {
  std::vector<Entry> some;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(some),
               [&](const Entry& e) { return e.key.benchmark == benchmark; });
  return some;
}

std::string pairs_text(const std::vector<Entry>& entries) {
  const auto [low, high] = std::minmax_element(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.comparison->pairs < b.comparison->pairs;
  });
  const int fewest = low->comparison->pairs;
  const int most = high->comparison->pairs;
  if (fewest == most) return counted(most, "pair") + " of boots";
  return fmt::format("{} to {} pairs of boots", fewest, most);
}

std::vector<Entry> decided_of(const std::vector<Entry>& entries) {
  std::vector<Entry> decided;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(decided),
               [](const Entry& e) { return is_decided(*e.comparison); });
  return decided;
}

/// "Of all operations the largest saving is …; the largest extra cost is …": the decided ones at both ends. `where`
/// follows "operations".
std::string ends_text(const std::vector<Entry>& entries, std::string_view where, Meter meter) {
  const std::vector<Entry> decided = decided_of(entries);
  if (decided.empty()) return fmt::format("No difference is decided in any operation{}.", where);
  const auto [low, high] = std::minmax_element(decided.begin(), decided.end(), [](const Entry& a, const Entry& b) {
    return size_of(*a.comparison) < size_of(*b.comparison);
  });
  std::vector<std::string> ends;
  const auto add = [&](const char* what, const Entry& e) {
    ends.push_back(fmt::format("the largest {} is {} on {} {}", what, e.key.benchmark, e.key.kernel,
                               result_text(*e.comparison, meter)));
  };
  if (low->comparison->difference < 0) add("saving", *low);
  if (high->comparison->difference > 0) add("extra cost", *high);
  return fmt::format("Of all operations{}{} {}.", where, where.empty() ? "" : ",", fmt::join(ends, "; "));
}

/// Between kernels, at depth 1 or, where that was not measured, at the shallowest depth. A reference that has depth 0
/// alone is compared with depth 1 in an operation that does the same work at both; a listing of /proc, for one, shows
/// fewer processes inside a namespace. All other operations are then compared at depth 0.
std::string kernels_text(const Report& report) {
  const auto against_reference = [](const Cell& cell) {
    return cell.against_reference ? &*cell.against_reference : nullptr;
  };
  const Meter meter = report.run.meter;
  for (const int depth : {1, report.depths.front()}) {
    const auto entries = entries_at(report, depth, against_reference);
    const bool same_depth = !report.reference_at_depth_zero || depth == 0;
    if (entries.empty() || (!same_depth && !standing_operation(entries))) continue;
    const std::string operation = operation_of(entries);
    const auto shown = of_benchmark(entries, operation);
    std::string text =
        fmt::format("{} at depth {}, in {} against {}, from {}: {}.", operation, depth, report.run.unit(),
                    reference_text(report), pairs_text(shown), results_text(shown, meter));
    if (same_depth) return text + " " + ends_text(entries, "", meter);
    const auto at_zero = entries_at(report, 0, against_reference);
    return at_zero.empty() ? text : text + " " + ends_text(at_zero, ", both kernels at depth 0", meter);
  }
  if (!report.reference_at_depth_zero || report.kernels.size() < 2) return "";
  return fmt::format(
      "not compared: the reference, {}, has depth 0 alone, and no other kernel was measured there with the same seeds.",
      report.reference);
}

/// " A level: multi 2,826, multi+hash 219.", the mean over so many levels; nothing for one level or many kernels.
std::string level_cost_text(const std::vector<Entry>& entries, int depth) {
  if (depth < 2 || entries.size() > kNamed) return "";
  std::vector<std::string> costs;
  for (const Entry& entry : entries) {
    const double cost = entry.comparison->difference / depth;
    costs.push_back(entry.key.kernel + " " + format_signed(cost, std::abs(cost) < 100 ? 1 : 0));
  }
  return fmt::format(" A level: {}.", fmt::join(costs, ", "));
}

/// The deepest depth at which a kernel was measured, beyond its own depth 0.
std::string depth_text(const Report& report) {
  const auto of_depth = [](const Cell& cell) { return cell.depth_cost ? &*cell.depth_cost : nullptr; };
  for (auto depth = report.depths.rbegin(); depth != report.depths.rend(); ++depth) {
    const auto entries = entries_at(report, *depth, of_depth);
    if (entries.empty()) continue;
    const std::string operation = operation_of(entries);
    const auto shown = of_benchmark(entries, operation);
    return fmt::format("{} at depth {}, in {} beyond depth 0 of the same kernel, from {}: {}.{}", operation, *depth,
                       report.run.unit(), pairs_text(shown), results_text(shown, report.run.meter),
                       level_cost_text(shown, *depth));
  }
  return "";
}

/// The steepest and the flattest curve. What grows with levels is the cost of depth, which depth_text() has.
std::string growth_text(const Report& report) {
  std::vector<Growth> growths;
  std::copy_if(report.views.front().growths.begin(), report.views.front().growths.end(), std::back_inserter(growths),
               [](const Growth& g) { return g.depth.has_value(); });
  if (growths.empty()) return "";
  const auto one = [](const Growth& g) {
    const auto& [small, first] = g.points.front();
    const auto& [large, last] = g.points.back();
    const double ratio = last.value / first.value;
    std::string width;
    if (g.slope.interval) width = fmt::format(" ± {}", format_number(g.slope.interval->half_width(), 3));
    return fmt::format("{} against {} on {} at depth {}, × {} from {} to {} (exponent {}{})", g.series, g.quantity,
                       g.kernel, *g.depth, format_number(ratio, ratio < 10 ? 2 : 0), format_number(small, 0),
                       format_number(large, 0), format_signed(g.slope.value, 3), width);
  };
  const auto [flat, steep] = std::minmax_element(
      growths.begin(), growths.end(), [](const Growth& a, const Growth& b) { return a.slope.value < b.slope.value; });
  if (flat == steep) return fmt::format("{}.", one(*flat));
  return fmt::format("Of {} curves the steepest is {}; the flattest is {}.", growths.size(), one(*steep), one(*flat));
}

/// What the lab must not find, and what it must.
std::string controls_text(const Report& report) {
  std::string text;
  const auto& answers = report.views.front().answers;
  for (auto first = answers.begin(); first != answers.end();) {
    const Contrast& contrast = first->contrast;
    const auto last =
        std::find_if(first, answers.end(), [&](const ContrastAnswer& a) { return a.contrast.name != contrast.name; });
    if (contrast.b.size() == 1 && is_control(contrast.b.front())) {
      std::vector<Entry> all;
      for (auto answer = first; answer != last; ++answer) {
        all.push_back({{answer->benchmark, contrast.label_b, answer->depth}, &answer->comparison});
      }
      std::vector<Entry> found = decided_of(all);
      text += fmt::format("{}{} against {}: a difference was found in {} of {} cells", text.empty() ? "" : " ",
                          contrast.label_b, contrast.label_a, found.size(), all.size());
      text += found.empty() ? "; what was measured goes from " : ", from ";
      if (found.empty()) found = all;
      const auto [low, high] = std::minmax_element(found.begin(), found.end(), [](const Entry& x, const Entry& y) {
        return x.comparison->difference < y.comparison->difference;
      });
      const auto one = [&](const Entry& e) {
        return fmt::format("{} in {} at depth {}", result_text(*e.comparison, report.run.meter), e.key.benchmark,
                           e.key.depth);
      };
      text += fmt::format("{} to {}.", one(*low), one(*high));
    }
    first = last;
  }
  return text;
}

}  // namespace

Block summary(const Report& report) {
  const RunRecord& run = report.run;
  const View& view = report.views.front();
  Block facts{Block::Kind::facts};
  const bool many = report.kernels.size() > kNamed;
  std::string compared =
      fmt::format("{} at {}, in {}: {}, {}, ± the {} interval ({}{}, condition {}, {})",
                  many ? fmt::format("{} kernels", report.kernels.size()) : listed(report.kernels),
                  depths_text(report.depths), counted(report.benchmarks.size(), "benchmark"),
                  quantity_text(run, view.statistic), boots_text(report, view), level_text(report.options.level),
                  run.profile == kAsGiven ? "" : "base ", origin_text(run), report.condition, run.accelerator);
  for (const std::string& mark : marks_of(run)) compared += ". " + mark;
  facts.facts.emplace_back("compared", compared + ".");
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) facts.facts.emplace_back(name, text);
  };
  add("kernels", kernels_text(report));
  add("depth", depth_text(report));
  add("growth", growth_text(report));
  add("controls", controls_text(report));
  return facts;
}

}  // namespace nslab
