// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain {

// Tells a spike of the training loss from its noise: more than `factor` times the median of the
// last `window` steps.
class LossWatch {
 public:
  explicit LossWatch(const RollbackSpec& spec) : spec_(spec) {}

  bool on() const { return spec_.factor > 0; }
  // A step's mean loss. True for a spike, which then does not count among the losses of the window;
  // never before the window is full.
  bool is_spike(double loss);

  // The losses of the window, oldest first: the state that a checkpoint keeps.
  const std::vector<double>& losses() const { return losses_; }
  void set_losses(std::vector<double> losses);

 private:
  RollbackSpec spec_;
  std::vector<double> losses_;
};

}  // namespace ringtrain
