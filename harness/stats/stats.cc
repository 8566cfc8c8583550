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

/// The t test of 'the mean is 0'.
struct TTest {
  double mean = 0;
  double error = 0;    ///< of the mean: its standard error; 0 only where neither spread nor rounding is
  bool exact = false;  ///< all values are equal
  int degrees = 0;
};

/// `rounding` is that of one value. `scale` is the size of the numbers whose rounding as doubles is in the values.
TTest t_test(std::span<const double> values, double rounding, double scale) {
  TTest test;
  test.mean = mean(values);
  test.degrees = static_cast<int>(values.size()) - 1;
  const double s = standard_deviation(values, scale);
  test.exact = values.size() >= 2 && s == 0;
  test.error = std::max(s, rounding) / std::sqrt(static_cast<double>(values.size()));
  if (s == 0 && std::abs(test.mean) <= 4 * std::numeric_limits<double>::epsilon() * scale) {
    test.mean = 0;  // only the rounding of doubles is left
  }
  return test;
}

double two_sided_p(const TTest& test) {
  if (test.error == 0) return test.mean == 0 ? 1 : 0;
  const boost::math::students_t distribution(test.degrees);
  return std::min(1.0, 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(test.mean / test.error))));
}

/// P of a mean as low as this one or lower if the true mean were 0.
double lower_tail_p(const TTest& test) {
  if (test.error == 0) return test.mean < 0 ? 0 : 1;
  return boost::math::cdf(boost::math::students_t(test.degrees), test.mean / test.error);
}

/// The rounding of b - factor * a.
double rounding_of_contrast(const Pairs& pairs, double factor) {
  return std::hypot(pairs.rounding_b, factor * pairs.rounding_a);
}

/// b - factor * a, value by value.
std::vector<double> contrast(std::span<const double> a, std::span<const double> b, double factor) {
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = b[i] - factor * a[i];
  return out;
}

/// t²/n times the variances of a / mean(a) and b / mean(b), their covariance, and the variance of their difference.
struct RelativeVariances {
  double a = 0;
  double b = 0;
  double ab = 0;
  double difference = 0;
};

/// Fieller's interval of the ratio, divided by the ratio of the means; empty where his set is unbounded.
std::optional<Interval> fieller(const RelativeVariances& v) {
  if (v.a >= 1) return std::nullopt;
  // His quadratic divided by both means. Its discriminant, a + b - 2 ab + ab² - a b, would lose its digits to
  // cancellation for the nearly equal values of a lab; the first three terms are the variance of the difference.
  const double root = std::sqrt(std::max(0.0, v.difference + v.ab * v.ab - v.a * v.b));
  return Interval{(1 - v.ab - root) / (1 - v.a), (1 - v.ab + root) / (1 - v.a)};
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

double rounding_of(double step) { return step / std::sqrt(12.0); }

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

Estimate estimate(std::span<const double> values, double level, double rounding) {
  Estimate result;
  result.n = static_cast<int>(values.size());
  result.value = mean(values);
  if (result.n < 2) return result;
  const TTest test = t_test(values, rounding, 0);
  result.exact = test.exact;
  const double half = student_quantile(level, test.degrees) * test.error;
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

std::optional<Interval> ratio_interval(const Pairs& pairs, double level) {
  const std::vector<double>& a = pairs.a;
  const std::vector<double>& b = pairs.b;
  const std::size_t n = a.size();
  if (n < 2 || b.size() != n) return std::nullopt;
  const double mean_a = mean(a);
  const double mean_b = mean(b);
  if (mean_a <= 0 || mean_b <= 0) return std::nullopt;

  const double t = student_quantile(level, static_cast<int>(n) - 1);
  const double q = t * t / static_cast<double>(n);
  RelativeVariances seen;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = (a[i] - mean_a) / mean_a;
    const double y = (b[i] - mean_b) / mean_b;
    seen.a += x * x;
    seen.b += y * y;
    seen.ab += x * y;
    seen.difference += (y - x) * (y - x);
  }
  const double scale = q / static_cast<double>(n - 1);
  seen.a *= scale;
  seen.b *= scale;
  seen.ab *= scale;
  seen.difference *= scale;

  RelativeVariances rounding;
  rounding.a = q * std::pow(pairs.rounding_a / mean_a, 2);
  rounding.b = q * std::pow(pairs.rounding_b / mean_b, 2);
  rounding.difference = rounding.a + rounding.b;

  // A ratio is not rejected if either spread, of which the test takes the larger, does not reject it. Both sets hold
  // the ratio of the means, so that together they are one interval.
  const auto by_spread = fieller(seen);
  const auto by_rounding = fieller(rounding);
  if (!by_spread || !by_rounding) return std::nullopt;
  const double ratio = mean_b / mean_a;
  return Interval{ratio * std::min(by_spread->low, by_rounding->low),
                  ratio * std::max(by_spread->high, by_rounding->high)};
}

std::optional<double> equivalence_p(const Pairs& pairs, double margin_percent) {
  if (pairs.a.size() < 2 || pairs.a.size() != pairs.b.size() || margin_percent <= 0) return std::nullopt;
  const double scale = std::max(largest_magnitude(pairs.a), largest_magnitude(pairs.b));
  const double margin = margin_percent / 100;
  const double step = std::max(pairs.rounding_a, pairs.rounding_b) / rounding_of(1);
  if (margin * mean(pairs.a) < step) return std::nullopt;
  const double p_below =
      lower_tail_p(t_test(contrast(pairs.a, pairs.b, 1 + margin), rounding_of_contrast(pairs, 1 + margin), scale));
  // The other side by symmetry: (1 - margin) a - b lies below 0.
  std::vector<double> flipped = contrast(pairs.a, pairs.b, 1 - margin);
  for (double& v : flipped) v = -v;
  return std::max(p_below, lower_tail_p(t_test(flipped, rounding_of_contrast(pairs, 1 - margin), scale)));
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
  const TTest test = t_test(differences, rounding_of_contrast(pairs, 1), scale);
  result.difference = test.mean;
  if (result.mean_a != 0) result.percent = 100 * result.difference / result.mean_a;
  if (result.pairs < 2) return result;

  result.exact = test.exact;
  const double half = student_quantile(level, test.degrees) * test.error;
  result.interval = Interval{result.difference - half, result.difference + half};
  if (const auto ratio = ratio_interval(pairs, level)) {
    result.percent_interval = Interval{100 * (ratio->low - 1), 100 * (ratio->high - 1)};
  }
  result.p = two_sided_p(test);
  result.p_equivalent = equivalence_p(pairs, margin_percent);
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
      c->verdict = c->difference > 0 ? Verdict::more : Verdict::less;
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

}  // namespace nslab
