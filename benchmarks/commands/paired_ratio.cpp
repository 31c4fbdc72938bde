// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/paired_ratio.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ringtrain::benchmarks {

PairedRatio paired_ratio(const std::vector<double>& numerators,
                         const std::vector<double>& denominators) {
  std::vector<double> ratios;
  std::vector<double> logarithms;
  for (size_t i = 0; i < std::min(numerators.size(), denominators.size()); ++i) {
    ratios.push_back(numerators[i] / denominators[i]);
    logarithms.push_back(std::log(ratios.back()));
  }
  return {median(ratios), median_interval(ratios), sign_flip_p(logarithms)};
}

std::string print(const PairedRatio& ratio) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]{}", ratio.median, ratio.interval.low,
                     ratio.interval.high, ratio.p < 0.05 ? "" : " ~");
}

nlohmann::ordered_json to_json(const PairedRatio& ratio) {
  return {{"median", ratio.median},
          {"low", ratio.interval.low},
          {"high", ratio.interval.high},
          {"coverage", ratio.interval.coverage},
          {"p", ratio.p}};
}

nlohmann::ordered_json median_json(const std::vector<double>& values) {
  const Interval interval = median_interval(values);
  return {{"median", median(values)},
          {"low", interval.low},
          {"high", interval.high},
          {"coverage", interval.coverage}};
}

}  // namespace ringtrain::benchmarks
