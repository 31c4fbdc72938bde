// SPDX-License-Identifier: Apache-2.0
// A run of `ringtrain-worker`, timed step by step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/commands/step_times.hpp"
#include "benchmarks/commands/trace_times.hpp"
#include "launcher/mpi/placement.hpp"

namespace ringtrain::benchmarks {

// Names of contestants, in records as well.
inline constexpr const char* kOurs = "ringtrain";
inline constexpr const char* kAlone = "no averaging";

struct StepSample {
  double rate = 0;           // samples per second, all ranks together, once steady
  double exposed_share = 0;  // of the time of training, waiting for other ranks; ours only
  std::vector<StepSeconds> steps = {};  // by rank; the peers': rank 0's alone; none on a GPU
  std::vector<RankUsage> usage = {};    // by rank; none on a GPU
  StepSplit split = {};                 // of rank 0; ours only
  std::string why_not_steady = {};
};

struct TrainingJob {
  std::string file;
  std::vector<std::string> set;  // as --set takes them
  int64_t global_batch = 0;
  bool traced = true;  // else the rate is the one that the ranks report once they are warm
};

// Trains, with its output in a folder that is removed. Throws std::runtime_error if it fails.
StepSample run_training(const launcher::RankLayout& layout, const TrainingJob& job);

// Takes rate and verdict of a sample from its steps, of the slowest rank.
void count_steady_steps(StepSample& sample, int64_t global_batch);

}  // namespace ringtrain::benchmarks
