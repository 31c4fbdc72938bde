// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/significance.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace ringtrain::benchmarks {
namespace {

constexpr size_t kMostExact = 12;

// Twice the rank of each value among all, from 1, so that the mean rank of ties is a whole number.
std::vector<size_t> double_ranks(const std::vector<double>& values) {
  std::vector<size_t> ranks;
  for (const double value : values) {
    const auto below =
        std::count_if(values.begin(), values.end(), [&](double other) { return other < value; });
    const auto equal = std::count(values.begin(), values.end(), value);
    ranks.push_back(static_cast<size_t>(2 * below + equal + 1));
  }
  return ranks;
}

// Share of the ways to choose n of the ranks whose sum is as far from the mean as `sum`, or
// farther. ways[k][s]: ways to choose k ranks of the sum s.
double exact(const std::vector<size_t>& ranks, size_t n, size_t sum) {
  const size_t most = std::accumulate(ranks.begin(), ranks.end(), size_t{0});
  std::vector<std::vector<double>> ways(n + 1, std::vector<double>(most + 1, 0));
  ways[0][0] = 1;
  for (const size_t rank : ranks) {
    for (size_t k = n; k >= 1; --k) {
      for (size_t s = most; s >= rank; --s) ways[k][s] += ways[k - 1][s - rank];
    }
  }
  const double mean =
      static_cast<double>(most) * static_cast<double>(n) / static_cast<double>(ranks.size());
  const double distance = std::abs(static_cast<double>(sum) - mean);
  double all = 0, far = 0;
  for (size_t s = 0; s <= most; ++s) {
    all += ways[n][s];
    if (std::abs(static_cast<double>(s) - mean) >= distance - 1e-9) far += ways[n][s];
  }
  return far / all;
}

double approximate(const std::vector<size_t>& ranks, size_t n, size_t sum) {
  const auto total = static_cast<double>(ranks.size());
  const auto own = static_cast<double>(n);
  const double mean = own * (total + 1) / 2;
  double squares = 0;  // of the ranks' distances from their mean, which has the ties in it
  for (const size_t rank : ranks)
    squares += std::pow(static_cast<double>(rank) / 2 - (total + 1) / 2, 2);
  const double variance = own * (total - own) / (total * (total - 1)) * squares;
  if (variance <= 0) return 1;
  const double distance = std::max(0.0, std::abs(static_cast<double>(sum) / 2 - mean) - 0.5);
  return std::erfc(distance / std::sqrt(2 * variance));
}

}  // namespace

double mann_whitney_p(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || b.empty()) return 1;
  std::vector<double> all = a;
  all.insert(all.end(), b.begin(), b.end());
  const std::vector<size_t> ranks = double_ranks(all);
  const size_t sum =
      std::accumulate(ranks.begin(), ranks.begin() + static_cast<ptrdiff_t>(a.size()), size_t{0});
  const bool few = std::max(a.size(), b.size()) <= kMostExact;
  return few ? exact(ranks, a.size(), sum) : approximate(ranks, a.size(), sum);
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t i, size_t k) { return p[i] < p[k]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, p[order[i]] * static_cast<double>(order.size() - i));
    adjusted[order[i]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace ringtrain::benchmarks
