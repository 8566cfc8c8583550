// SPDX-License-Identifier: GPL-2.0
#include "usl.h"

#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace nslab {

namespace {

constexpr std::size_t kTerms = 3;
using Terms = std::array<double, kTerms>;

/// 1, N − 1 and N(N − 1): what 1 / λ, σ / λ and κ / λ are multiplied with.
Terms terms_of(double cpus) { return {1, cpus - 1, cpus * (cpus - 1)}; }

/// The least squares of relative deviations from N / X with these of the terms alone, by the normal equations and
/// Cholesky's decomposition. Empty where the points do not determine them.
std::optional<Terms> solve(const ThroughputByCpus& points, const std::vector<std::size_t>& used) {
  const std::size_t n = used.size();
  std::array<Terms, kTerms> a = {};
  Terms b = {};
  for (const auto& [cpus, throughput] : points) {
    const Terms terms = terms_of(cpus);
    const double weight = throughput / cpus;  // deviations count in parts of N / X
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) a[i][j] += terms[used[i]] * weight * terms[used[j]] * weight;
      b[i] += terms[used[i]] * weight;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      if (i != j) {
        a[i][j] = sum / a[j][j];
      } else {
        if (sum <= a[i][i] * std::numeric_limits<double>::epsilon()) return std::nullopt;
        a[i][i] = std::sqrt(sum);
      }
    }
  }
  Terms x = {};
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = b[i];
    for (std::size_t k = 0; k < i; ++k) x[i] -= a[i][k] * x[k];
    x[i] /= a[i][i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) x[i] -= a[k][i] * x[k];
    x[i] /= a[i][i];
  }
  Terms all = {};
  for (std::size_t i = 0; i < n; ++i) all[used[i]] = x[i];
  return all;
}

double deviation(const ThroughputByCpus& points, const Terms& coefficients) {
  double sum = 0;
  for (const auto& [cpus, throughput] : points) {
    const Terms terms = terms_of(cpus);
    double predicted = 0;
    for (std::size_t i = 0; i < kTerms; ++i) predicted += coefficients[i] * terms[i];
    const double relative = predicted * throughput / cpus - 1;
    sum += relative * relative;
  }
  return sum;
}

}  // namespace

double Usl::throughput(double cpus) const {
  return lambda * cpus / (1 + sigma * (cpus - 1) + kappa * cpus * (cpus - 1));
}

std::optional<double> Usl::peak() const {
  if (kappa <= 0) return std::nullopt;
  return sigma >= 1 ? 1 : std::sqrt((1 - sigma) / kappa);
}

std::optional<double> UslEstimate::peak() const {
  if (!law || !kappa.interval || kappa.interval->low <= 0) return std::nullopt;
  return law->peak();
}

std::optional<Usl> fit_usl(const ThroughputByCpus& points) {
  std::set<double> sizes;
  for (const auto& [cpus, throughput] : points) {
    if (cpus <= 0 || throughput <= 0) return std::nullopt;
    sizes.insert(cpus);
  }
  if (sizes.size() < kTerms) return std::nullopt;
  std::optional<Terms> best;
  double least = std::numeric_limits<double>::infinity();
  for (const std::vector<std::size_t>& used : {std::vector<std::size_t>{0, 1, 2}, {0, 1}, {0, 2}, {0}}) {
    const auto found = solve(points, used);
    if (!found || (*found)[0] <= 0 || (*found)[1] < 0 || (*found)[2] < 0) continue;
    const double its_own = deviation(points, *found);
    if (its_own >= least) continue;
    least = its_own;
    best = found;
  }
  if (!best) return std::nullopt;
  return Usl{1 / (*best)[0], (*best)[1] / (*best)[0], (*best)[2] / (*best)[0]};
}

UslEstimate usl(std::span<const ThroughputByCpus> boots, double level) {
  std::vector<double> lambdas;
  std::vector<double> sigmas;
  std::vector<double> kappas;
  ThroughputByCpus all;
  for (const ThroughputByCpus& boot : boots) {
    if (!fit_usl(boot)) continue;
    const auto free = solve(boot, {0, 1, 2});
    if (!free || (*free)[0] <= 0) continue;
    lambdas.push_back(1 / (*free)[0]);
    sigmas.push_back((*free)[1] / (*free)[0]);
    kappas.push_back((*free)[2] / (*free)[0]);
    all.insert(all.end(), boot.begin(), boot.end());
  }
  return {static_cast<int>(lambdas.size()), estimate(lambdas, level), estimate(sigmas, level), estimate(kappas, level),
          fit_usl(all)};
}

}  // namespace nslab
