// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"
#include "job/keys/key_group.hpp"

namespace ringtrain {

// Describe the keys of the groups `optimizer` and `schedule`.
KeyGroup<OptimizerSpec> optimizer_keys();
KeyGroup<ScheduleSpec> schedule_keys();

}  // namespace ringtrain
