// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/backfill.hpp"

#include <algorithm>

namespace ringtrain::server {
namespace {

// The place of a job that waits.
struct Place {
  double seconds = kUnknownSeconds;  // from now
  int spare = 0;                     // cores that are free then beside it
};

Place reserve(int wanted, std::vector<CoresInUse> running, int free) {
  std::sort(running.begin(), running.end(), [](const CoresInUse& one, const CoresInUse& other) {
    return one.seconds_left < other.seconds_left;
  });
  for (const CoresInUse& one : running) {
    free += one.cores;
    if (free >= wanted) return {one.seconds_left, free - wanted};
  }
  return {};
}

}  // namespace

QueueDecision choose_starts(const std::vector<CoresWanted>& queue, std::vector<CoresInUse> running,
                            int cores) {
  QueueDecision decision;
  int free = cores;
  for (const CoresInUse& one : running) free -= one.cores;
  std::optional<Place> first;
  for (size_t i = 0; i < queue.size(); ++i) {
    const CoresWanted& job = queue[i];
    const bool fits = job.cores <= free || (free == cores && job.cores > cores);
    if (!first && !fits) {
      first = reserve(std::min(job.cores, cores), running, free);
      if (first->seconds < kUnknownSeconds) decision.first_starts = first->seconds;
      continue;
    }
    if (first) {
      const bool ends_before = job.seconds <= first->seconds && first->seconds < kUnknownSeconds;
      const bool is_beside = first->seconds < kUnknownSeconds && job.cores <= first->spare;
      if (!fits || !(ends_before || is_beside)) continue;
      if (!ends_before) first->spare -= job.cores;
    }
    decision.start.push_back(i);
    running.push_back({job.cores, job.seconds});
    free -= job.cores;
  }
  return decision;
}

}  // namespace ringtrain::server
