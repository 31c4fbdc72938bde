// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "benchmarks/predict/cluster.hpp"
#include "benchmarks/predict/step_profile.hpp"

namespace ringtrain::benchmarks {

// A step to predict.
struct Scenario {
  StepProfile step;  // of one rank alone, with the batch that each rank has
  Cluster cluster;
  Averaging averaging;
  // Samples of the rank alone that `of_linear` compares with; 0: as many as each rank has (weak
  // scaling). With strong scaling it is the global batch.
  double reference_batch = 0;
};

struct Prediction {
  int ranks = 0;
  double step_seconds = 0;
  double samples_per_second = 0;  // all ranks
  double of_linear = 0;           // that over `ranks` times one rank alone
  double exposed_seconds = 0;     // of averaging
  double straggler_seconds = 0;
  double data_seconds = 0;  // waiting for input
};

// step = max(timeline + stragglers, input). See docs/internals/prediction.md.
Prediction predict(const Scenario& scenario);

// A cost, and the share of linear scaling that would be won without it (0 to 1).
struct Limit {
  std::string name;
  double of_linear = 0;
};
// Each cost set to zero in turn, the largest first; those below a thousandth are left out.
std::vector<Limit> limits(const Scenario& scenario);

}  // namespace ringtrain::benchmarks
