// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/straggler_model.hpp"

#include <cmath>

#include "base/check.hpp"

namespace ringtrain::benchmarks {
namespace {

// Beyond the 2.425% at either end, in terms of sqrt(-2 ln p).
double tail(double p) {
  const double q = std::sqrt(-2 * std::log(p));
  return (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838) * q -
            2.549732539343734) *
               q +
           4.374664141464968) *
              q +
          2.938163982698783) /
         ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996) * q +
           3.754408661907416) *
              q +
          1);
}

}  // namespace

double normal_quantile(double p) {
  RINGTRAIN_CHECK(p > 0 && p < 1);
  constexpr double kTail = 0.02425;
  if (p < kTail) return tail(p);
  if (p > 1 - kTail) return -tail(1 - p);
  const double q = p - 0.5, r = q * q;
  return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
            1.383577518672690e+02) *
               r -
           3.066479806614716e+01) *
              r +
          2.506628277459239) *
         q /
         (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
            6.680131188771972e+01) *
               r -
           1.328068155288572e+01) *
              r +
          1);
}

double largest_of(int ranks) {
  if (ranks <= 1) return 0;
  return normal_quantile((ranks - 0.375) / (ranks + 0.25));
}

double largest_of_exponential(int ranks) {
  double sum = 0;
  for (int i = 2; i <= ranks; ++i) sum += 1.0 / i;
  return sum;
}

}  // namespace ringtrain::benchmarks
