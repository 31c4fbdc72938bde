// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/print_status.hpp"

namespace ringtrain::mpijob {

// Returns the state of now.
JobPicture picture_of(const JobObserver& observer);

// Shows a job until it has ended or is rejected: on a terminal the whole status, redrawn in place;
// else a line when its state or the reason for it changes, and a line of progress every few
// seconds. Returns 0 for a finished model, 4 for anything else, also after `limit`.
int watch_job(JobObserver& observer, std::optional<std::chrono::seconds> limit = {});

}  // namespace ringtrain::mpijob
