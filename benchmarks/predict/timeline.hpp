// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "benchmarks/predict/cluster.hpp"
#include "benchmarks/predict/step_profile.hpp"

namespace ringtrain::benchmarks {

// One step of ranks that are all equally fast, in seconds from its begin: the schedules of
// runtime/averaging as a recurrence over the buckets.
//
// Beside the backward pass (OverlappedSchedule), sums follow each other on one thread, and the
// agreement on the loss is queued behind them:
//
//   summed(k) = max(summed(k - 1), forward + ready(k)) + sum(k)
//   agreed    = max(forward + backward, summed(last)) + agreement;  then updates, then gathering
//
// After it (BulkSchedule, the ranks of one host):
//
//   agreed     = forward + backward + agreement
//   updated(k) = updated(k - 1) + sum(k) + update(k)
struct StepTimeline {
  double backward_end = 0;
  std::vector<double> summed;  // by bucket
  double agreed = 0;
  double updated = 0;  // all buckets
  double end = 0;
  double exposed = 0;  // of it, spent on averaging alone
};

// Requires as many ranks as the node has to run beside each other: see beside_others().
StepTimeline step_timeline(const StepProfile& step, const Cluster& cluster,
                           const Averaging& averaging);

// Returns the step of a rank as it is beside the others of its host, which share its memory and
// cores.
StepProfile beside_others(const StepProfile& alone, const Node& node);
// The factor by which it is slower; 1 for one rank.
double sharing_slowdown(const Node& node);

}  // namespace ringtrain::benchmarks
