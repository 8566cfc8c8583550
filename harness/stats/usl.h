// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "stats.h"

namespace nslab {

/// Throughput by the number of CPUs that work at once: (N, X), both above 0, X in operations per unit of time.
using ThroughputByCpus = std::vector<std::pair<double, double>>;

/// The Universal Scalability Law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)) (Gunther, Guerrilla Capacity Planning,
/// Springer 2007, chapter 4; arXiv:0808.1431).
struct Usl {
  double lambda = 0;  ///< what one CPU does alone, in the unit of X; above 0
  double sigma = 0;   ///< contention: the part of the work that only one CPU can do at a time; not below 0
  double kappa = 0;   ///< coherency: what each pair of CPUs costs in keeping their data alike; not below 0

  double throughput(double cpus) const;
  /// The number of CPUs beyond which more of them do less, √((1 − σ) / κ); 1 where σ is 1 or more. Empty where κ is 0:
  /// then there is none.
  std::optional<double> peak() const;
};

/// The law's parameters by least squares. As N / X = (1 + σ(N − 1) + κN(N − 1)) / λ is linear in 1 / λ, σ / λ and κ / λ
/// (Gunther 2007, chapter 5), there is one best answer and it needs no search. What is squared are relative
/// deviations, as measured times spread in proportion to their size. σ and κ below 0 mean nothing: where the best
/// answer has one, the best of those without it is taken (Lawson and Hanson, Solving Least Squares Problems, 1974,
/// chapter 23; with three parameters all cases can be tried). Empty with fewer than three different numbers of CPUs, or
/// where a number or a throughput is not above 0. Three numbers leave nothing over to judge the fit by.
std::optional<Usl> fit_usl(const ThroughputByCpus& points);

/// The law over boots. The parameters are means of a fit of each boot, with Student's intervals at `level` (as
/// growth()). In these fits σ and κ may come out below 0: were they held at 0, the mean of a parameter that is 0 would
/// be above it, and its interval would leave 0 far too often. The law itself is fitted to the points of all boots, and
/// has neither below 0. Boots without a fit are left out.
struct UslEstimate {
  int n = 0;  ///< boots with a fit
  Estimate lambda;
  Estimate sigma;
  Estimate kappa;
  std::optional<Usl> law;  ///< empty: no boot has a fit

  /// Law's peak, where κ's interval lies above 0; a peak that is not shown is none.
  std::optional<double> peak() const;
};
UslEstimate usl(std::span<const ThroughputByCpus> boots, double level);

}  // namespace nslab
