// SPDX-License-Identifier: Apache-2.0
#include "base/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/mix.hpp"

namespace ringtrain {
namespace {

constexpr double kCoverage = 0.95;
constexpr size_t kResampledFrom = 10;
constexpr uint64_t kResamples = 10000;
constexpr size_t kExactFlips = 16;
constexpr uint64_t kDrawnFlips = 100000;

// values: sorted.
Interval order_statistics(const std::vector<double>& values) {
  const size_t n = values.size();
  Interval interval;
  double tail = std::ldexp(1.0, -static_cast<int>(n));  // P(B <= k), k = 0 at first
  double term = tail;
  for (size_t k = 0; 2 * k < n; ++k) {
    const double coverage = 1 - 2 * tail;
    if (k > 0 && coverage < kCoverage) break;
    interval = {values[k], values[n - 1 - k], coverage};
    term *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    tail += term;
  }
  return interval;
}

Interval bootstrap(const std::vector<double>& values) {
  std::vector<double> medians;
  std::vector<double> resample(values.size());
  for (uint64_t draw = 0; draw < kResamples; ++draw) {
    for (size_t i = 0; i < resample.size(); ++i) resample[i] = values[mix(draw, i) % values.size()];
    medians.push_back(median(resample));
  }
  return {quantile(medians, (1 - kCoverage) / 2), quantile(medians, (1 + kCoverage) / 2),
          kCoverage};
}

// Bit i of `flips` turns the sign of value i. 64 values a word.
double flipped_sum(const std::vector<double>& values, uint64_t flips) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && i % 64 == 0) flips = mix(flips);
    sum += (flips >> (i % 64)) % 2 == 1 ? -values[i] : values[i];
  }
  return sum;
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const auto at = values.begin() + static_cast<ptrdiff_t>(below);
  std::nth_element(values.begin(), at, values.end());
  if (below + 1 == values.size()) return *at;
  return std::lerp(*at, *std::min_element(at + 1, values.end()),
                   place - static_cast<double>(below));
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

Interval median_interval(std::vector<double> values) {
  if (values.empty()) return {};
  if (values.size() >= kResampledFrom) return bootstrap(values);
  std::sort(values.begin(), values.end());
  return order_statistics(values);
}

double sign_flip_p(const std::vector<double>& differences) {
  if (differences.empty()) return 1;
  const bool exact = differences.size() <= kExactFlips;
  const uint64_t draws = exact ? uint64_t{1} << differences.size() : kDrawnFlips;
  // Sums of the same values in another order of signs may differ in their last bits.
  const double observed = std::abs(flipped_sum(differences, 0)) * (1 - 1e-12);
  uint64_t as_far = exact ? 0 : 1;  // the observed signs are one of the possible draws
  for (uint64_t draw = 0; draw < draws; ++draw) {
    const uint64_t flips = exact ? draw : mix(draw);
    as_far += std::abs(flipped_sum(differences, flips)) >= observed ? 1 : 0;
  }
  return static_cast<double>(as_far) / static_cast<double>(exact ? draws : draws + 1);
}

}  // namespace ringtrain
