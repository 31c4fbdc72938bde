// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracking/shared_run.hpp"
#include "tracking/trainer_server.hpp"

namespace ringtrain::tracking {

// Posts the progress every 5 seconds, and at the end of the run. Ends early where the controller
// refuses for good.
void post_to_trainer(const TrainerServer& server, SharedRun& run);

}  // namespace ringtrain::tracking
