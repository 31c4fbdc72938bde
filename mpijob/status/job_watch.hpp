// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/print_status.hpp"

namespace ringtrain::mpijob {

JobPicture picture_of(const JobObserver& observer);

// Shows a job until it has ended, or is refused for good: on a terminal the whole status, written
// over; else a line when its state or the reason for it changes, and on its progress every few
// seconds. Returns 0 for a finished model, 4 for anything else, also when `limit` is over.
int watch_job(JobObserver& observer, std::optional<std::chrono::seconds> limit = {});

}  // namespace ringtrain::mpijob
