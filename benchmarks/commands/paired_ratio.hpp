// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/statistics.hpp"

namespace ringtrain::benchmarks {

// One contestant over another, round by round, which cancels whatever disturbs a whole round.
struct PairedRatio {
  double median = 0;
  Interval interval;  // of the median
  double p = 1;       // sign-flip test of the ratios' logarithms
};

// Both have a value above 0 for every round, in the same order.
PairedRatio paired_ratio(const std::vector<double>& numerators,
                         const std::vector<double>& denominators);
// "0.980 [0.971, 0.992]", and "~" behind it where the ratio may as well be 1 (p >= 0.05).
std::string print(const PairedRatio& ratio);
nlohmann::ordered_json to_json(const PairedRatio& ratio);

// {"median": ..., "low": ..., "high": ..., "coverage": ...} of the values of rounds.
nlohmann::ordered_json median_json(const std::vector<double>& values);

}  // namespace ringtrain::benchmarks
