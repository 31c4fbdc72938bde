// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/spawn.hpp"
#include "job/result_file.hpp"
#include "launcher/script/rank_spec.hpp"

namespace ringtrain::launcher {

// The signal at which our Python package writes the stacks of a process to the file of
// kStacksVariable: SIGRTMIN + kStackSignal.
inline constexpr int kStackSignal = 5;
inline constexpr const char* kStacksVariable = "RINGTRAIN_STACKS";
// Names the file that our Python package writes when a checkpoint is on the disk.
inline constexpr const char* kSavedVariable = "RINGTRAIN_SAVED";
inline constexpr const char* kSavedSuffix = ".saved";
// Names the folder of the run, for the script's own files.
inline constexpr const char* kOutputVariable = "RINGTRAIN_OUTPUT";

// A rank among the others.
struct RankPlace {
  int rank = 0;
  int local_rank = 0;
  int world_size = 1;
  int local_world_size = 1;
};

// Reads the variables that mpirun sets. Throws std::runtime_error where they are not there.
RankPlace place_from_mpirun();

// Returns every rank's host; its device is not known.
std::vector<RankPlacement> placement_of(const RankSpec& spec);

// Returns "FOLDER/attempt-2/rank-1": the rank's files begin with it.
std::string files_of_rank(const RankSpec& spec, const RankPlace& place, int attempt);

// Returns the variables that torchrun sets, ours, and those of the job. `threads`: OMP_NUM_THREADS
// where the user has not set it.
Environment environment_of_rank(const RankSpec& spec, const RankPlace& place, int attempt,
                                int threads);

}  // namespace ringtrain::launcher
