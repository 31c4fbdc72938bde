// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"
#include "runtime/observe/training_totals.hpp"

namespace ringtrain {

inline bool has_goal(const StopAtSpec& goal) { return goal.test_accuracy || goal.test_loss; }

// Whether an evaluation is as good as one of the goals.
inline bool is_reached(const StopAtSpec& goal, const Evaluation& evaluation) {
  return (goal.test_accuracy && evaluation.accuracy &&
          *evaluation.accuracy >= *goal.test_accuracy) ||
         (goal.test_loss && evaluation.loss <= *goal.test_loss);
}

}  // namespace ringtrain
