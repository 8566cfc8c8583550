// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

  double half_width() const { return (high - low) / 2; }
  bool holds(double value) const { return low <= value && value <= high; }
};

/// A mean over boots.
struct Estimate {
  int n = 0;                         ///< values
  double value = 0;                  ///< their mean, in their unit; 0 when n is 0
  std::optional<Interval> interval;  ///< of the mean; empty when n < 2
  bool exact = false;                ///< n >= 2 and all values are equal: the interval is as wide as their rounding
};

/// The values of two kernels in one cell, matched by seed: a[i] and b[i] saw the same layout, order and tick phase.
struct Pairs {
  std::vector<double> a;
  std::vector<double> b;
  int unpaired = 0;       ///< boots of either kernel whose seed the other lacks: left out
  double rounding_a = 0;  ///< what each value of a is known to (rounding_of()), in the values' unit
  double rounding_b = 0;
};

enum class Verdict {
  more,        ///< b costs more than a
  less,        ///< b costs less than a
  equivalent,  ///< shown to differ by less than the margin
  undecided,   ///< neither was shown
};

/// What b costs beyond a: b - a, so that a positive difference means that b costs more.
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
  bool within_margin = false;  ///< shown to be smaller than the margin, even if b costs more or less
};

/// The standard deviation of the rounding of a value that falls on a lattice with this step, step / √12 (Sheppard,
/// Proc. London Math. Soc. s1-29, 1898; for readings that come out identical, JCGM 100:2008, 'Guide to the expression
/// of uncertainty in measurement', F.2.2.1). A count has the step 1, the mean of m counts 1 / m.
///
/// Wherever a function below takes a rounding, it is the least spread that the values are given, however equal they
/// came out: s is max(s, rounding). Each of n boots brings a rounding of its own, as each has a seed of its own, so
/// that the rounding of their mean shrinks with √n as their spread does. A difference carries the roundings of both its
/// values, √(rounding_a² + rounding_b²). Without this, a minimum that falls on k or on k + 1 with the seed would give
/// the difference 1 twice, or −1 twice, in one of eight comparisons of two pairs of equal kernels, and each time p = 0,
/// which no correction for many cells can repair.
///
/// The distribution stays Student's with n − 1 degrees of freedom, though the least spread is known and not estimated.
/// It is the least, and not the true one: the seeds may do more than the rounding, and two values that came out equal
/// do not exclude that. As max(s, rounding) >= s, a test can only lose by it: whatever the true spread of normal values
/// is, the error is at most that of Student's test. The normal distribution would be right if the rounding were all
/// there is, and would have no such bound. With it, a difference of 1 in both of two pairs of counts has p = 0.0005;
/// with Student's, 0.18. The true chance, where each count is k or k + 1 with probability 1/2, is 2 / 4^n, or 0.125. (A
/// least spread under a t statistic is also what Tusher, Tibshirani and Chu use, PNAS 98, 2001, 's0', there added.)
double rounding_of(double step);

/// The arithmetic mean, in the values' unit; 0 of no values.
double mean(std::span<const double> values);

/// The sample standard deviation (divisor n - 1), in the values' unit; 0 of fewer than two values. It is exactly 0 when
/// the values differ by no more than the rounding of doubles of the size `scale` (or of their own size when that is
/// larger).
double standard_deviation(std::span<const double> values, double scale = 0);

/// The quantile t with P(|T| <= t) = level of Student's distribution. `level` in (0, 1), `degrees` >= 1.
double student_quantile(double level, int degrees);

/// The mean with its two-sided Student interval: mean ± t(level, n - 1) s / √n (Student, Biometrika 6, 1908), with s at
/// least `rounding` (rounding_of()).
Estimate estimate(std::span<const double> values, double level, double rounding = 0);

/// Matches values by seed. Each seed occurs at most once in each argument; the result is in ascending order of seeds.
Pairs pair_by_seed(std::span<const std::pair<std::uint64_t, double>> a,
                   std::span<const std::pair<std::uint64_t, double>> b);

/// The interval of the ratio mean(b) / mean(a) of paired values, after Fieller ('Some problems in interval estimation',
/// J. R. Statist. Soc. B 16, 1954, section 3): all ratios r for which the paired t test does not reject mean(b - r a) =
/// 0, whose least spread is √(rounding_b² + r² rounding_a²). Chosen over the delta or the log method as it contains 1
/// exactly when the interval of the paired difference contains 0: the two columns of a table cannot contradict each
/// other. Empty for fewer than two pairs, for means that are not positive, and when mean(a) cannot be told from 0 at
/// this level, where Fieller's set is unbounded.
std::optional<Interval> ratio_interval(const Pairs& pairs, double level);

/// The p-value of two one-sided t tests (Schuirmann, J. Pharmacokin. Biopharm. 15, 1987) that the ratio mean(b) /
/// mean(a) lies between 1 - margin and 1 + margin; each side is the paired test of mean(b - (1 ± margin) a), so that
/// the margin needs no mean(a) assumed known (Hauschke et al., Statist. Med. 18, 1999). `margin_percent` is in per cent
/// of mean(a). Below alpha exactly when the interval of the ratio at the level 1 − 2 alpha (90 % for 5 %) lies within
/// the margin. Empty for fewer than two pairs or a margin that is not positive. Empty as well where the margin is less
/// than one step of the values, as 1 % of 3 instructions: that little cannot be shown of counts, and tests that cannot
/// be passed would only weaken, through Holm, those of the other cells.
std::optional<double> equivalence_p(const Pairs& pairs, double margin_percent);

/// Holm's step-down adjustment (Scand. J. Statist. 6, 1979, section 2): adjusted p-values in the order of the input, at
/// most 1. Calling those below alpha keeps the chance of one or more false calls in the whole family below alpha.
std::vector<double> holm(std::span<const double> p_values);

/// All of a paired comparison but its verdict, which depends on the family it is in. `level` in (0, 1), as 0.95;
/// `margin_percent` in per cent of mean(a).
Comparison compare_pairs(const Pairs& pairs, double level, double margin_percent);

/// Gives each comparison of a family its adjusted p-values and verdict, at alpha = 1 - level:
/// - fewer than 2 pairs: undecided;
/// - more or less: Holm-adjusted p < alpha, and the difference larger than `floor` where there is one;
/// - else equivalent: Holm-adjusted p of the equivalence tests < alpha;
/// - else undecided.
/// A difference that is both real and small is called by its direction, with `within_margin` set: a control that adds
/// ten instructions must come back as ten instructions, not as 'equivalent'.
void judge(std::span<Comparison> family, double level);
void judge(std::span<Comparison* const> family, double level);

}  // namespace nslab
