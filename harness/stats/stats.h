// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace nslab {

/// Pure functions over vectors of numbers. One number is one boot's value of one cell, in the meter's unit: boots are
/// the replicates, so that `n` below always counts boots (or pairs of boots), never repetitions within a boot.
///
/// Nothing here returns a NaN or an infinity for finite input: what cannot be computed is an empty optional.

struct Interval {
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

/// A mean over boots.
struct Estimate {
  int n = 0;                         ///< values
  double value = 0;                  ///< their mean, in their unit; 0 when n is 0
  std::optional<Interval> interval;  ///< of the mean; empty when n < 2
  bool exact = false;                ///< n >= 2 and all values are equal: the interval has no width
};

/// The values of two kernels in one cell, matched by seed: a[i] and b[i] saw the same layout, order and tick phase.
struct Pairs {
  std::vector<double> a;
  std::vector<double> b;
  int unpaired = 0;  ///< boots of either kernel whose seed the other lacks: left out
};

enum class Verdict {
  slower,      ///< b costs more than a
  faster,      ///< b costs less than a
  equivalent,  ///< shown to differ by less than the margin
  undecided,   ///< neither was shown
};

/// What b costs beyond a: b - a, so that a positive difference means that b is slower.
struct Comparison {
  int pairs = 0;
  double mean_a = 0;
  double mean_b = 0;
  double difference = 0;                     ///< mean of b[i] - a[i], in the values' unit
  std::optional<Interval> interval;          ///< of the difference; empty with fewer than 2 pairs
  bool exact = false;                        ///< at least 2 pairs, and the same difference in every one of them
  std::optional<double> percent;             ///< 100 (mean_b / mean_a - 1); empty when mean_a is 0
  std::optional<Interval> percent_interval;  ///< empty as `interval`, or when mean_a is not clearly above 0

  std::optional<double> p;             ///< two-sided, of 'no difference'
  std::optional<double> p_equivalent;  ///< of 'differs by the margin or more'; empty without a margin

  // Filled in by judge():
  std::optional<double> floor;  ///< input to judge(), in the values' unit: no smaller difference is called one
  std::optional<double> p_holm;
  std::optional<double> p_equivalent_holm;
  Verdict verdict = Verdict::undecided;
  bool within_margin = false;  ///< shown to be smaller than the margin, even if slower or faster
};

/// The arithmetic mean, in the values' unit; 0 of no values.
double mean(std::span<const double> values);

/// The sample standard deviation (divisor n - 1), in the values' unit; 0 of fewer than two values. It is exactly 0 when
/// the values differ by no more than the rounding of doubles of the size `scale` (or of their own size when that is
/// larger).
double standard_deviation(std::span<const double> values, double scale = 0);

/// The quantile t with P(|T| <= t) = level of Student's distribution. `level` in (0, 1), `degrees` >= 1.
double student_quantile(double level, int degrees);

/// The mean with its two-sided Student interval: mean ± t(level, n - 1) s / √n (Student, Biometrika 6, 1908).
Estimate estimate(std::span<const double> values, double level);

/// Matches values by seed. Each seed occurs at most once in each argument; the result is in ascending order of seeds.
Pairs pair_by_seed(std::span<const std::pair<std::uint64_t, double>> a,
                   std::span<const std::pair<std::uint64_t, double>> b);

/// The interval of the ratio mean(b) / mean(a) of paired values, after Fieller ('Some problems in interval estimation',
/// J. R. Statist. Soc. B 16, 1954, section 3): all ratios r for which the paired t test does not reject mean(b - r a) =
/// 0. Chosen over the delta or the log method as it contains 1 exactly when the interval of the paired difference
/// contains 0: the two columns of a table cannot contradict each other. Empty for fewer than two pairs, for means that
/// are not positive, and when mean(a) cannot be told from 0 at this level, where Fieller's set is unbounded.
std::optional<Interval> ratio_interval(std::span<const double> a, std::span<const double> b, double level);

/// The p-value of two one-sided t tests (Schuirmann, J. Pharmacokin. Biopharm. 15, 1987) that the ratio mean(b) /
/// mean(a) lies between 1 - margin and 1 + margin; each side is the paired test of mean(b - (1 ± margin) a), so that
/// the margin needs no mean(a) assumed known (Hauschke et al., Statist. Med. 18, 1999). `margin_percent` is in per cent
/// of mean(a). Empty for fewer than two pairs or a margin that is not positive.
std::optional<double> equivalence_p(std::span<const double> a, std::span<const double> b, double margin_percent);

/// Holm's step-down adjustment (Scand. J. Statist. 6, 1979, section 2): adjusted p-values in the order of the input, at
/// most 1. Calling those below alpha keeps the chance of one or more false calls in the whole family below alpha.
std::vector<double> holm(std::span<const double> p_values);

/// All of a paired comparison but its verdict, which depends on the family it is in. `level` in (0, 1), as 0.95;
/// `margin_percent` in per cent of mean(a).
Comparison compare_pairs(const Pairs& pairs, double level, double margin_percent);

/// Gives each comparison of a family its adjusted p-values and verdict, at alpha = 1 - level:
/// - fewer than 2 pairs: undecided;
/// - slower or faster: Holm-adjusted p < alpha, and the difference larger than `floor` where there is one;
/// - else equivalent: Holm-adjusted p of the equivalence tests < alpha;
/// - else undecided.
/// A difference that is both real and small is called by its direction, with `within_margin` set: a control that adds
/// ten instructions must come back as ten instructions, not as 'equivalent'.
void judge(std::span<Comparison> family, double level);
void judge(std::span<Comparison* const> family, double level);

/// "slower", "faster", "equivalent" or "undecided".
std::string_view name_of(Verdict verdict);

}  // namespace nslab
