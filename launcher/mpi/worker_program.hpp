// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "launcher/mpi/placement.hpp"

namespace ringtrain::launcher {

// Returns the absolute path of ringtrain-worker: RINGTRAIN_WORKER, or the file beside this program.
// Throws std::runtime_error that says what to do where it is not there.
std::string find_worker();

// Returns the absolute path of another of our programs, beside this one. Throws as find_worker().
std::string find_program_beside(const std::string& name);

// A job as a rank's program takes it.
struct WorkerJob {
  std::string worker;  // the program
  std::string job_file;
  std::vector<std::string> overrides;
};

// The state that ranks begin with.
enum class StartFrom {
  job,                // as the job says in checkpoint.resume
  newest_checkpoint,  // a restart: this run's own work, whatever the job says of earlier runs
};

// Returns the command of a rank in this layout, the program first.
std::vector<std::string> worker_command(const WorkerJob& job, const RankLayout& layout,
                                        StartFrom from);

}  // namespace ringtrain::launcher
