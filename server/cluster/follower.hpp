// SPDX-License-Identifier: Apache-2.0
// The follower of a run in a cluster: a process below `ringtrain keep`, in the place that the
// launcher has on this machine. It makes the job's MPIJob or takes up the one that an earlier
// follower has made, copies its launchers' logs, obeys wish.json, and writes outcome.json when the
// MPIJob has ended. What it did before it was killed is found in the cluster and in its folder
// again; the MPIJob runs on meanwhile.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mpijob/client/access.hpp"

namespace ringtrain::server {

struct FollowerOptions {
  std::filesystem::path folder;  // of the attempt
  std::filesystem::path job_file;
  std::vector<std::string> overrides = {};  // of the job file
  std::string mark;                         // of this job: only an MPIJob that has it is touched
  bool remove = false;  // delete the MPIJob of a job that has ended, and nothing else
  mpijob::AccessOptions cluster = {};
};

// The MPIJob's annotation that holds `mark`.
inline constexpr const char* kMarkAnnotation = "ringtrain.dev/job";

// Follows until the run has ended; SIGTERM ends the follower alone. Returns 0 for a finished model,
// else the launcher's exit code. Throws a job error or an ApiError where the cluster refuses the
// job. A cluster that cannot be reached is waited for.
int follow_run(const FollowerOptions& options);

}  // namespace ringtrain::server
