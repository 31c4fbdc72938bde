// SPDX-License-Identifier: Apache-2.0
// Where the efficiency of more ranks goes. Pure: numbers in, numbers out.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "benchmarks/commands/paired_ratio.hpp"

namespace ringtrain::benchmarks {

// Samples per second of the runs that a number of ranks P is judged by, each by round.
struct ScalingRates {
  int ranks = 1;
  std::vector<double> base;   // 1 rank
  std::vector<double> alone;  // 1 rank on the batch of one of P ranks; weak scaling: the base
  std::vector<double> none;   // P ranks that do not average
  std::vector<double> ours;   // P ranks
};

// Efficiency E = X_P / (P X_1) as a product of three causes, each a ratio by round:
//
//   E_batch = X_alone / X_1           a small batch a rank uses the processor worse
//   E_share = X_none / (P X_alone)    ranks share cores, caches and memory
//   E_avg   = X_P / X_none            averaging, and waiting for the slowest
//
// (P X_alone: as many ranks that shared nothing.) POP's "parallel efficiency" is E_share E_avg.
struct ScalingFactors {
  PairedRatio speedup;  // X_P / X_1
  PairedRatio efficiency;
  PairedRatio batch;
  PairedRatio share;
  PairedRatio averaging;
};

ScalingFactors factors_of(const ScalingRates& rates);

nlohmann::ordered_json to_json(const ScalingFactors& factors);

}  // namespace ringtrain::benchmarks
