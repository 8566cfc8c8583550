// SPDX-License-Identifier: GPL-2.0
#include "sampled_profile.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <charconv>
#include <cmath>

#include "flame_graph.h"
#include "numbers.h"
#include "stats.h"
#include "text.h"

namespace nslab {

namespace {

/// The quantity that one sample stands for, a repetition.
double worth(const SampledProfile& profile) {
  return static_cast<double>(profile.period) / static_cast<double>(profile.repetitions);
}

std::map<std::string, std::uint64_t> by_function(const SampledProfile& profile) {
  std::map<std::string, std::uint64_t> functions;
  for (const auto& [stack, samples] : profile.stacks) functions[stack.substr(stack.rfind(';') + 1)] += samples;
  return functions;
}

/// A path of calls in one or two profiles.
struct SampledPath {
  std::uint32_t parent = 0;
  std::string function;
  std::uint64_t a = 0;  ///< samples in the function itself
  std::uint64_t b = 0;
  std::uint64_t all_a = 0;  ///< with all that it calls
  std::uint64_t all_b = 0;
};

/// The root first, parents before their children.
class SampledTree {
 public:
  SampledTree() { paths_.push_back({.function = "[all]"}); }

  void add(const FoldedStacks& stacks, bool is_b) {
    for (const auto& [stack, samples] : stacks) {
      std::uint32_t at = 0;
      for (const std::string& function : split_at(stack, ';')) {
        const auto [found, added] = known_.try_emplace({at, function}, static_cast<std::uint32_t>(paths_.size()));
        if (added) paths_.push_back({.parent = at, .function = function});
        at = found->second;
      }
      (is_b ? paths_[at].b : paths_[at].a) += samples;
    }
  }

  std::vector<SampledPath> with_sums() const {
    std::vector<SampledPath> paths = paths_;
    for (std::size_t i = paths.size(); i-- > 0;) {
      paths[i].all_a += paths[i].a;
      paths[i].all_b += paths[i].b;
      if (i == 0) break;
      paths[paths[i].parent].all_a += paths[i].all_a;
      paths[paths[i].parent].all_b += paths[i].all_b;
    }
    return paths;
  }

 private:
  std::vector<SampledPath> paths_;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> known_;
};

double percent(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(all);
}

/// Of two profiles' samples, the share that falls in the second one where nothing differs.
double share_of_b(const SampledProfile& a, const SampledProfile& b) { return worth(a) / (worth(a) + worth(b)); }

SampledDifference compare_samples(const std::string& function, std::uint64_t in_a, std::uint64_t in_b,
                                  const SampledProfile& a, const SampledProfile& b) {
  SampledDifference difference{.function = function, .a = in_a, .b = in_b};
  const auto count_a = static_cast<double>(in_a);
  const auto count_b = static_cast<double>(in_b);
  difference.difference = count_b * worth(b) - count_a * worth(a);
  difference.sampling_error = 1.96 * std::sqrt(count_a * worth(a) * worth(a) + count_b * worth(b) * worth(b));
  difference.tested = in_a + in_b >= kLeastTested;
  if (difference.tested) difference.p = sampled_p(in_a, in_b, share_of_b(a, b));
  return difference;
}

/// Holm, over those that are tested.
void adjust(std::vector<SampledDifference>& differences) {
  std::vector<double> p;
  for (const SampledDifference& difference : differences) {
    if (difference.tested) p.push_back(difference.p);
  }
  const std::vector<double> adjusted = holm(p);
  std::size_t next = 0;
  for (SampledDifference& difference : differences) {
    if (difference.tested) difference.p = adjusted[next++];
  }
}

std::string at_depth(const SampledProfile& profile) {
  return fmt::format("{} at depth {}", profile.kernel, profile.depth);
}

std::string every(const SampledProfile& profile) {
  return fmt::format("one for each {} {} (event {})", format_number(static_cast<double>(profile.period), 0),
                     profile.quantity, profile.event);
}

}  // namespace

Result<FoldedStacks> parse_folded_stacks(std::string_view text) {
  FoldedStacks stacks;
  for (const std::string& line : lines_of(text)) {
    const auto blank = line.rfind(' ');
    std::uint64_t samples = 0;
    const char* const end = line.data() + line.size();
    if (blank != std::string::npos && blank > 0) {
      const auto [read, error] = std::from_chars(line.data() + blank + 1, end, samples);
      if (error == std::errc() && read == end) {
        stacks[line.substr(0, blank)] += samples;
        continue;
      }
    }
    return negative_result("'{}' is no stack with a count of samples", without_controls(line));
  }
  return stacks;
}

std::uint64_t SampledProfile::samples() const {
  std::uint64_t sum = 0;
  for (const auto& [stack, samples] : stacks) sum += samples;
  return sum;
}

double sampled_p(std::uint64_t a, std::uint64_t b, double share_b) {
  if (a + b == 0) return 1;
  const boost::math::binomial_distribution<double> distribution(static_cast<double>(a + b), share_b);
  const auto count = static_cast<double>(b);
  const double less = boost::math::cdf(distribution, count);
  const double more = b == 0 ? 1 : boost::math::cdf(boost::math::complement(distribution, count - 1));
  return std::min(1.0, 2 * std::min(less, more));
}

std::vector<SampledDifference> sampled_differences(const SampledProfile& a, const SampledProfile& b) {
  const auto in_a = by_function(a);
  auto in_b = by_function(b);
  std::vector<SampledDifference> differences;
  for (const auto& [function, samples] : in_a) {
    differences.push_back(compare_samples(function, samples, in_b[function], a, b));
    in_b.erase(function);
  }
  for (const auto& [function, samples] : in_b) differences.push_back(compare_samples(function, 0, samples, a, b));
  adjust(differences);
  std::stable_sort(differences.begin(), differences.end(), [](const SampledDifference& x, const SampledDifference& y) {
    if (x.decided() != y.decided()) return x.decided();
    return std::abs(x.difference) > std::abs(y.difference);
  });
  return differences;
}

Document sampled_difference_document(const SampledProfile& a, const SampledProfile& b, bool all) {
  constexpr std::size_t kOfDecided = 25;
  constexpr std::size_t kOfTheRest = 10;
  const auto differences = sampled_differences(a, b);
  const std::uint64_t samples_a = a.samples();
  const std::uint64_t samples_b = b.samples();
  const auto tested = static_cast<std::size_t>(
      std::count_if(differences.begin(), differences.end(), [](const auto& row) { return row.tested; }));
  const auto decided = static_cast<std::size_t>(
      std::count_if(differences.begin(), differences.end(), [](const auto& row) { return row.decided(); }));
  const SampledDifference whole = compare_samples("", samples_a, samples_b, a, b);

  Document document;
  document.push_back(
      {.text = fmt::format(
           "{}: {} (B) against {} (A), {} for a repetition: A {}, B {}, B − A {} ± {}. It is sampled: {} samples of A "
           "and {} of B, {}.",
           a.benchmark, at_depth(b), at_depth(a), a.quantity,
           format_number(static_cast<double>(samples_a) * worth(a), 0),
           format_number(static_cast<double>(samples_b) * worth(b), 0), format_signed(whole.difference, 0),
           format_number(whole.sampling_error, 0), format_number(static_cast<double>(samples_a), 0),
           format_number(static_cast<double>(samples_b), 0), every(a))});
  document.push_back(
      {.text = fmt::format(
           "Beyond the sampling error: {} of the {} functions with {} samples or more{}. "
           "The others are not decided: that is not the same as equal. The amounts "
           "include what sampling itself takes, which is about a tenth.",
           decided, tested, kLeastTested,
           all || decided <= kOfDecided
               ? ""
               : fmt::format(" (the table has {} of them, and some that are not decided; --output keeps all)",
                             kOfDecided))});
  Table table;
  const std::string shares = "share, %";
  const std::string amounts = a.quantity + " a repetition";
  table.columns = {{"function", "", Align::left},
                   {"A", shares},
                   {"B", shares},
                   {"A", amounts},
                   {"B", amounts},
                   {"B − A", amounts},
                   {"±", amounts},
                   {"", amounts, Align::left}};
  const std::size_t of_decided = all ? decided : std::min(decided, kOfDecided);
  for (std::size_t i = 0; i < std::min(differences.size(), decided + kOfTheRest); ++i) {
    if (i >= of_decided && i < decided) continue;
    const SampledDifference& row = differences[i];
    table.rows.push_back({row.function, format_number(percent(row.a, samples_a), 2),
                          format_number(percent(row.b, samples_b), 2),
                          format_number(static_cast<double>(row.a) * worth(a), 0),
                          format_number(static_cast<double>(row.b) * worth(b), 0), format_signed(row.difference, 0),
                          format_number(row.sampling_error, 0),
                          !row.decided()       ? "?"
                          : row.difference > 0 ? ">"
                                               : "<"});
  }
  document.push_back({.kind = Block::Kind::table, .text = "Functions without what they call", .table = table});
  document.push_back(
      {.text =
           "> B takes more, < B takes less (p < 0.05, Holm over the functions that are tested), ? not decided. ± is "
           "the sampling error of B − A alone (95 %). The marks go by what a repetition takes. Shares, which perf "
           "diff compares, fall in all functions when one of them grows."});
  document.push_back(
      {.text = "There is one guest of each kernel: what differs from boot to boot is not in the sampling error. 'nslab "
               "why' counts each instruction, over many boots."});
  return document;
}

std::string sampled_flame_graph(const SampledProfile& profile) {
  SampledTree tree;
  tree.add(profile.stacks, false);
  const auto functions = by_function(profile);
  std::uint64_t most = 1;
  for (const auto& [function, samples] : functions) most = std::max(most, samples);
  const std::uint64_t all = profile.samples();
  std::vector<FlameFrame> frames;
  for (const SampledPath& path : tree.with_sums()) {
    const auto itself = functions.find(path.function);
    const std::uint64_t own = itself == functions.end() ? 0 : itself->second;
    frames.push_back({.parent = path.parent,
                      .function = path.function,
                      .own = static_cast<double>(path.a),
                      .title = fmt::format("{} samples ({:.2f} %); the function itself, over all paths: {} ({:.2f} %)",
                                           path.all_a, percent(path.all_a, all), own, percent(own, all)),
                      .colour = heat_colour(static_cast<double>(own) / static_cast<double>(most))});
  }
  return draw_flame_graph(
      fmt::format("{}: {}, sampled by perf", profile.benchmark, at_depth(profile)),
      {"Width: samples. Orange: the more samples a function has itself, over all paths, the deeper.",
       fmt::format("{} samples of {} repetitions, {}. They have an error: 'nslab why' counts exactly.", all,
                   profile.repetitions, every(profile))},
      frames);
}

std::string sampled_flame_graph(const SampledProfile& a, const SampledProfile& b) {
  SampledTree tree;
  tree.add(a.stacks, false);
  tree.add(b.stacks, true);
  const auto paths = tree.with_sums();
  std::vector<SampledDifference> differences;
  for (const SampledPath& path : paths) {
    differences.push_back(compare_samples(path.function, path.all_a, path.all_b, a, b));
  }
  adjust(differences);
  std::vector<FlameFrame> frames;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const SampledPath& path = paths[i];
    const SampledDifference& row = differences[i];
    const double all_a = static_cast<double>(path.all_a) * worth(a);
    const double all_b = static_cast<double>(path.all_b) * worth(b);
    frames.push_back(
        {.parent = path.parent,
         .function = path.function,
         .own = std::max(static_cast<double>(path.a) * worth(a), static_cast<double>(path.b) * worth(b)),
         .title = fmt::format("A {}, B {}, B − A {} ± {} {} a repetition{}", format_number(all_a, 0),
                              format_number(all_b, 0), format_signed(row.difference, 0),
                              format_number(row.sampling_error, 0), a.quantity, row.decided() ? "" : ", not decided"),
         .colour = row.decided() ? difference_colour(all_a, all_b) : "white"});
  }
  return draw_flame_graph(
      fmt::format("{}: {} (B) against {} (A), sampled by perf", a.benchmark, at_depth(b), at_depth(a)),
      {fmt::format("Width: {}, the larger of both. Red: B takes more. Blue: B takes less. White: not decided, by the "
                   "sampling error (95 %, Holm).",
                   a.quantity),
       fmt::format("A: {} samples of {} repetitions. B: {} of {}, {}. One guest of each: 'nslab why' counts exactly, "
                   "over many boots.",
                   a.samples(), a.repetitions, b.samples(), b.repetitions, every(a))},
      frames);
}

}  // namespace nslab
