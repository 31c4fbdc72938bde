// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_descriptor.hpp"
#include "tracking/tracker.hpp"

namespace ringtrain::tracking {

// The life of a tracker's process. Writes the port of /metrics, or why it cannot be had, to
// `answer` and closes it; takes events from `events` until its last writer is gone. Returns the
// exit code: 0 where everything has arrived.
int run_tracker(const TrackerOptions& options, int events, FileDescriptor answer);

}  // namespace ringtrain::tracking
