// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/scaling/factors.hpp"

namespace ringtrain::benchmarks {
namespace {

std::vector<double> times(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

}  // namespace

ScalingFactors factors_of(const ScalingRates& rates) {
  return {.speedup = paired_ratio(rates.ours, rates.base),
          .efficiency = paired_ratio(rates.ours, times(rates.base, rates.ranks)),
          .batch = paired_ratio(rates.alone, rates.base),
          .share = paired_ratio(rates.none, times(rates.alone, rates.ranks)),
          .averaging = paired_ratio(rates.ours, rates.none)};
}

nlohmann::ordered_json to_json(const ScalingFactors& factors) {
  return {{"speedup", to_json(factors.speedup)},
          {"efficiency", to_json(factors.efficiency)},
          {"batch", to_json(factors.batch)},
          {"share", to_json(factors.share)},
          {"averaging", to_json(factors.averaging)}};
}

}  // namespace ringtrain::benchmarks
