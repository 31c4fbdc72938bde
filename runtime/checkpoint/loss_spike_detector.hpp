// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain {

// Distinguishes a spike of the training loss from its noise: a loss of more than `factor` times the
// median of the last `window` steps.
class LossSpikeDetector {
 public:
  explicit LossSpikeDetector(const RollbackSpec& spec) : spec_(spec) {}

  bool enabled() const { return spec_.factor > 0; }

  // Returns true if a step's mean loss is a spike, or NaN; never before the window is full.
  // losses: the window, oldest first, which TrainingState keeps; a loss that is no spike is added.
  bool is_spike(double loss, std::vector<double>& losses) const;

 private:
  RollbackSpec spec_;
};

}  // namespace ringtrain
