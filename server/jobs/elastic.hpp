// SPDX-License-Identifier: Apache-2.0
// `elastic: throughput`: which jobs are to train on how many ranks. A pure function: what a change
// costs, and what was measured before it, is in its arguments.
//
// Cores are handed out one by one, each to the job whose rate grows most by it, relative to the
// rate that it has; a rank that adds less than a quarter of what the job's ranks give on average
// is not worth a core: that is the knee of the job's curve. A change must shorten the rest of the
// job by 10%, its own cost included, and two are at least 2 minutes apart. What was measured counts
// before what is expected, so that a change that did not help is taken back, and not tried again.
#pragma once

#include <string>
#include <vector>

#include "server/jobs/rate_curve.hpp"

namespace ringtrain::server {

struct ElasticJob {
  std::string name;
  int ranks = 1;  // now
  int least = 1;
  int most = 1;
  RateCurve curve = {};
  double samples_left = 0;
  double seconds_since_change = 0;  // or since it was started
  double restart_seconds = 3.5;     // what a change costs
};

struct RankChange {
  std::string name;
  int ranks = 1;
};

inline constexpr double kSecondsBetweenChanges = 120;

// Returns the changes to make now. free_cores: beside those that the jobs have.
std::vector<RankChange> choose_ranks(const std::vector<ElasticJob>& jobs, int free_cores);

}  // namespace ringtrain::server
