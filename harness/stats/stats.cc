// SPDX-License-Identifier: GPL-2.0
#include "stats.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace nslab {
namespace {

double largest_magnitude(std::span<const double> values) {
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  return largest;
}

/// The t statistic of 'the mean is 0', or its limit's sign when there is no spread at all.
struct TTest {
  double mean = 0;
  double t = 0;           ///< 0 when there is no spread
  bool no_spread = true;  ///< all values are equal
  int degrees = 0;
};

TTest t_test(std::span<const double> values, double scale) {
  TTest test;
  test.mean = mean(values);
  test.degrees = static_cast<int>(values.size()) - 1;
  const double s = standard_deviation(values, scale);
  if (s > 0) {
    test.t = test.mean / (s / std::sqrt(static_cast<double>(values.size())));
    test.no_spread = false;
  } else if (std::abs(test.mean) <= 4 * std::numeric_limits<double>::epsilon() * scale) {
    test.mean = 0;  // only rounding is left
  }
  return test;
}

double two_sided_p(const TTest& test) {
  if (test.no_spread) return test.mean == 0 ? 1 : 0;
  const boost::math::students_t distribution(test.degrees);
  return std::min(1.0, 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(test.t))));
}

/// P of a mean as low as this one or lower if the true mean were 0.
double lower_tail_p(const TTest& test) {
  if (test.no_spread) return test.mean < 0 ? 0 : 1;
  return boost::math::cdf(boost::math::students_t(test.degrees), test.t);
}

/// b - factor * a, value by value.
std::vector<double> contrast(std::span<const double> a, std::span<const double> b, double factor) {
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = b[i] - factor * a[i];
  return out;
}

/// Holm over those members of the family that have such a p-value.
template <class Get, class Set>
void adjust(std::span<Comparison* const> family, Get get, Set set) {
  std::vector<double> raw;
  for (const Comparison* c : family) {
    if (get(*c)) raw.push_back(*get(*c));
  }
  const std::vector<double> adjusted = holm(raw);
  std::size_t next = 0;
  for (Comparison* c : family) {
    if (get(*c)) set(*c, adjusted[next++]);
  }
}

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  // Around the first value: sums of large equal counts stay exact.
  const double origin = values.front();
  double sum = 0;
  for (const double v : values) sum += v - origin;
  return origin + sum / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values, double scale) {
  if (values.size() < 2) return 0;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  // A sample's mean is sum / iterations, rounded; a difference of two such carries both roundings.
  const double rounding = 4 * std::numeric_limits<double>::epsilon() * std::max(scale, largest_magnitude(values));
  if (*high - *low <= rounding) return 0;
  const double centre = mean(values);
  double squares = 0;
  for (const double v : values) squares += (v - centre) * (v - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double student_quantile(double level, int degrees) {
  return boost::math::quantile(boost::math::complement(boost::math::students_t(degrees), (1 - level) / 2));
}

Estimate estimate(std::span<const double> values, double level) {
  Estimate result;
  result.n = static_cast<int>(values.size());
  result.value = mean(values);
  if (result.n < 2) return result;
  const double s = standard_deviation(values);
  result.exact = s == 0;
  const double half =
      result.exact ? 0 : student_quantile(level, result.n - 1) * s / std::sqrt(static_cast<double>(result.n));
  result.interval = Interval{result.value - half, result.value + half};
  return result;
}

Pairs pair_by_seed(std::span<const std::pair<std::uint64_t, double>> a,
                   std::span<const std::pair<std::uint64_t, double>> b) {
  const std::map<std::uint64_t, double> by_seed_a(a.begin(), a.end());
  const std::map<std::uint64_t, double> by_seed_b(b.begin(), b.end());
  Pairs pairs;
  for (const auto& [seed, value] : by_seed_a) {
    const auto other = by_seed_b.find(seed);
    if (other == by_seed_b.end()) continue;
    pairs.a.push_back(value);
    pairs.b.push_back(other->second);
  }
  pairs.unpaired = static_cast<int>(by_seed_a.size() + by_seed_b.size() - 2 * pairs.a.size());
  return pairs;
}

std::optional<Interval> ratio_interval(std::span<const double> a, std::span<const double> b, double level) {
  const std::size_t n = a.size();
  if (n < 2 || b.size() != n) return std::nullopt;
  const double mean_a = mean(a);
  const double mean_b = mean(b);
  if (mean_a <= 0 || mean_b <= 0) return std::nullopt;

  // Fieller's quadratic divided by both means. Its discriminant, va + vb - 2 vab + vab² - va vb, would lose its digits
  // to cancellation for the nearly equal a and b of a lab; the first three terms are the variance of b/mean_b -
  // a/mean_a.
  const double t = student_quantile(level, static_cast<int>(n) - 1);
  const double q = t * t / static_cast<double>(n);
  double va = 0;
  double vb = 0;
  double vab = 0;
  double vu = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = (a[i] - mean_a) / mean_a;
    const double y = (b[i] - mean_b) / mean_b;
    va += x * x;
    vb += y * y;
    vab += x * y;
    vu += (y - x) * (y - x);
  }
  const double scale = q / static_cast<double>(n - 1);
  va *= scale;
  vb *= scale;
  vab *= scale;
  vu *= scale;
  if (va >= 1) return std::nullopt;
  const double root = std::sqrt(std::max(0.0, vu + vab * vab - va * vb));
  const double ratio = mean_b / mean_a;
  return Interval{ratio * (1 - vab - root) / (1 - va), ratio * (1 - vab + root) / (1 - va)};
}

std::optional<double> equivalence_p(std::span<const double> a, std::span<const double> b, double margin_percent) {
  if (a.size() < 2 || a.size() != b.size() || margin_percent <= 0) return std::nullopt;
  const double scale = std::max(largest_magnitude(a), largest_magnitude(b));
  const double margin = margin_percent / 100;
  const double p_below = lower_tail_p(t_test(contrast(a, b, 1 + margin), scale));
  // The other side by symmetry: (1 - margin) a - b lies below 0.
  std::vector<double> flipped = contrast(a, b, 1 - margin);
  for (double& v : flipped) v = -v;
  return std::max(p_below, lower_tail_p(t_test(flipped, scale)));
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto x, auto y) { return p_values[x] < p_values[y]; });
  std::vector<double> adjusted(p_values.size());
  double running = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    running = std::max(running, static_cast<double>(order.size() - rank) * p_values[order[rank]]);
    adjusted[order[rank]] = std::min(1.0, running);
  }
  return adjusted;
}

Comparison compare_pairs(const Pairs& pairs, double level, double margin_percent) {
  Comparison result;
  result.pairs = static_cast<int>(pairs.a.size());
  if (result.pairs == 0) return result;
  result.mean_a = mean(pairs.a);
  result.mean_b = mean(pairs.b);

  const double scale = std::max(largest_magnitude(pairs.a), largest_magnitude(pairs.b));
  const std::vector<double> differences = contrast(pairs.a, pairs.b, 1);
  const TTest test = t_test(differences, scale);
  result.difference = test.mean;
  if (result.mean_a != 0) result.percent = 100 * result.difference / result.mean_a;
  if (result.pairs < 2) return result;

  result.exact = test.no_spread;
  const double half = test.no_spread ? 0
                                     : student_quantile(level, test.degrees) * standard_deviation(differences, scale) /
                                           std::sqrt(static_cast<double>(result.pairs));
  result.interval = Interval{result.difference - half, result.difference + half};
  if (const auto ratio = ratio_interval(pairs.a, pairs.b, level)) {
    result.percent_interval = Interval{100 * (ratio->low - 1), 100 * (ratio->high - 1)};
  }
  result.p = two_sided_p(test);
  result.p_equivalent = equivalence_p(pairs.a, pairs.b, margin_percent);
  return result;
}

void judge(std::span<Comparison* const> family, double level) {
  const double alpha = 1 - level;
  adjust(
      family, [](const Comparison& c) { return c.p; }, [](Comparison& c, double p) { c.p_holm = p; });
  adjust(
      family, [](const Comparison& c) { return c.p_equivalent; },
      [](Comparison& c, double p) { c.p_equivalent_holm = p; });
  for (Comparison* c : family) {
    c->verdict = Verdict::undecided;
    c->within_margin = c->p_equivalent_holm && *c->p_equivalent_holm < alpha;
    if (c->pairs < 2) continue;
    const bool above_floor = !c->floor || std::abs(c->difference) > *c->floor;
    if (c->p_holm && *c->p_holm < alpha && above_floor) {
      c->verdict = c->difference > 0 ? Verdict::slower : Verdict::faster;
    } else if (c->within_margin) {
      c->verdict = Verdict::equivalent;
    }
  }
}

void judge(std::span<Comparison> family, double level) {
  std::vector<Comparison*> pointers;
  pointers.reserve(family.size());
  for (Comparison& c : family) pointers.push_back(&c);
  judge(std::span<Comparison* const>(pointers), level);
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::slower:
      return "slower";
    case Verdict::faster:
      return "faster";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::undecided:
      break;
  }
  return "undecided";
}

}  // namespace nslab
