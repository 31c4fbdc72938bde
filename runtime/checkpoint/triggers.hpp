// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "job/job_spec.hpp"

namespace ringtrain {

// When the next checkpoint is due, by the job's every_epochs, every_steps and every_seconds.
class CheckpointTriggers {
 public:
  using Clock = std::chrono::steady_clock;

  // step: where the run stands. A checkpoint of that step is taken to exist.
  CheckpointTriggers(const CheckpointSpec& spec, int64_t steps_per_epoch, int64_t step,
                     Clock::time_point now);

  // False where checkpoints are made on signals alone.
  bool any() const;
  // Whether a multiple of every_steps, or an epoch's end, lies between the last checkpoint and
  // `step`, or every_seconds have passed. A checkpoint that was due and could not be made stays
  // due.
  bool due(int64_t step, Clock::time_point now) const;
  void taken(int64_t step, Clock::time_point now);

 private:
  CheckpointSpec spec_;
  int64_t steps_per_epoch_;
  int64_t step_;
  Clock::time_point at_;
};

}  // namespace ringtrain
