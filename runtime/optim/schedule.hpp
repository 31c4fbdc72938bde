// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "job/job_spec.hpp"

namespace ringtrain {

// The learning rate of each step: a pure function, so that a resumed job needs no state of it.
class Schedule {
 public:
  // base: the learning rate; total_steps: of the whole job.
  Schedule(const ScheduleSpec& spec, double base, int64_t steps_per_epoch, int64_t total_steps);

  // For step 0, 1, ...: in the warm-up base * (step + 1) / warm-up steps (Goyal et al. 2017), then
  // by type. Cosine falls from base in the first step after the warm-up towards base *
  // final_factor, reached at total_steps (Loshchilov and Hutter 2017, one period).
  double learning_rate(int64_t step) const;

 private:
  ScheduleSpec spec_;
  double base_;
  double steps_per_epoch_;
  double warmup_steps_;
  double total_steps_;
};

}  // namespace ringtrain
