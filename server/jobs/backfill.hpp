// SPDX-License-Identifier: Apache-2.0
// Which jobs of a queue start now. A pure function.
//
// The first that does not fit gets a reserved place: where enough of the running jobs will have
// ended for it. One behind it may pass only if that place stays: if it will have ended by then, or
// needs no core of it (EASY backfill; Lifka, JSSPP 1995). Where the end of a running job is not
// known, there is no such place, and nobody passes.
#pragma once

#include <limits>
#include <optional>
#include <vector>

namespace ringtrain::server {

inline constexpr double kUnknownSeconds = std::numeric_limits<double>::infinity();

struct CoresInUse {
  int cores = 1;
  double seconds_left = kUnknownSeconds;
};

struct CoresWanted {
  int cores = 1;
  double seconds = kUnknownSeconds;  // for which it will run
};

struct QueueDecision {
  std::vector<size_t> start;                // places in the queue
  std::optional<double> first_starts = {};  // seconds until the first that waits starts
};

// `queue`: in its order. A job that wants more cores than there are runs alone.
QueueDecision choose_starts(const std::vector<CoresWanted>& queue, std::vector<CoresInUse> running,
                            int cores);

}  // namespace ringtrain::server
