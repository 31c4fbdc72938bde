// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"
#include "job/keys/key_group.hpp"

namespace ringtrain {

// Returns the keys of a whole job file with their members: JSON both ways.
const KeyGroup<JobSpec>& job_group();

}  // namespace ringtrain
