// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"

namespace ringtrain {

// Returns a job whose every value differs from the default, and that the schema allows.
JobSpec unusual_job();

}  // namespace ringtrain
