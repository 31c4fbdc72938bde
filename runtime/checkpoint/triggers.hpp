// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "job/job_spec.hpp"

namespace ringtrain {

// Decides when the next checkpoint is due, by the job's every_epochs, every_steps and
// every_seconds.
class CheckpointTriggers {
 public:
  using Clock = std::chrono::steady_clock;

  // step: number of steps done. A checkpoint of that step is assumed to exist.
  CheckpointTriggers(const CheckpointSpec& spec, int64_t steps_per_epoch, int64_t step,
                     Clock::time_point now);

  // True if any trigger is set; without one, checkpoints are taken on signals alone.
  bool any() const;
  // Returns true if a multiple of every_steps, or the end of every_epochs epochs, lies between the
  // last checkpoint and `step`, or if every_seconds have passed. A checkpoint that was due and was
  // not taken stays due.
  bool due(int64_t step, Clock::time_point now) const;
  void taken(int64_t step, Clock::time_point now);

 private:
  CheckpointSpec spec_;
  int64_t steps_per_epoch_;
  int64_t step_;
  Clock::time_point at_;
};

}  // namespace ringtrain
