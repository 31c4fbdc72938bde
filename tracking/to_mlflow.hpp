// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "tracking/mlflow_push.hpp"
#include "tracking/shared_run.hpp"

namespace ringtrain::tracking {

// Pushes until the run has ended and all of it has arrived, and closes the run of MLflow. A server
// that does not answer is asked again, later and later, for `after_end` once the run has ended.
// Returns false where that was in vain, or the server refuses for good.
bool push_to_mlflow(MlflowPush& push, SharedRun& run, std::chrono::seconds after_end);

}  // namespace ringtrain::tracking
