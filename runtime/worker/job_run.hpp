// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/comm/world.hpp"
#include "runtime/observe/reporter.hpp"

namespace ringtrain {

// Command line of ringtrain-worker.
struct WorkerOptions {
  std::string job_file;
  std::vector<std::string> overrides;       // key=value
  bool events = false;                      // progress as JSON, for `ringtrain run`
  bool check_model = false;                 // tries the model alone
  int expected_ranks = 0;                   // 0: any number
  std::vector<std::string> expected_hosts;  // empty: any
};

// Runs one rank of a job, from its job file to the files in its output. started: seconds_now() when
// the process started. Collective. Throws SharedError if all ranks know of the failure, else any
// exception.
void run_job(const World& world, const WorkerOptions& options, const Reporter& reporter,
             double started);

}  // namespace ringtrain
