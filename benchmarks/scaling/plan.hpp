// SPDX-License-Identifier: Apache-2.0
// What `ringtrain bench scaling` runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ringtrain::benchmarks {

// One training. Runs of both modes that are the same run once.
struct ScalingRun {
  int ranks = 1;
  int64_t global_batch = 0;
  bool averages = true;
  bool operator==(const ScalingRun&) const = default;
};

// "2 ranks, batch 128", and ", no averaging"
std::string name_of(const ScalingRun& run);

// A number of ranks in a mode. Members are indices into the plan's runs.
struct ScalingPoint {
  std::string mode;  // "strong": the global batch stays; "weak": the batch of a rank does
  int ranks = 1;
  int64_t global_batch = 0;
  size_t base = 0, alone = 0, none = 0, ours = 0;
};

struct ScalingPlan {
  std::vector<ScalingRun> runs;
  std::vector<ScalingPoint> points;
};

// modes: of "strong" and "weak". batch: of the job, that of 1 rank in both modes. Ranks that do not
// divide a batch: "alone" has that of the rank with the most rows.
ScalingPlan plan_scaling(const std::vector<int>& ranks, const std::vector<std::string>& modes,
                         int64_t batch);

// The order of a round: a permutation of its own, from a fixed seed.
std::vector<size_t> order_of_runs(size_t runs, size_t round);

}  // namespace ringtrain::benchmarks
