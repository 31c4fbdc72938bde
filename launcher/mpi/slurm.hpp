// SPDX-License-Identifier: Apache-2.0
// The Slurm job that this program runs in, by the variables that sbatch and salloc set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/mpi/hostfile.hpp"

namespace ringtrain::launcher {

struct SlurmJob {
  std::string id = {};
  std::vector<Host> hosts = {};  // a slot for each task
  int restarts = 0;              // how often the job was requeued
};

// Returns the job, or nothing outside of one: by SLURM_JOB_ID, SLURM_JOB_NODELIST,
// SLURM_TASKS_PER_NODE and SLURM_RESTART_COUNT. Throws a job error "SLURM_...=VALUE: what is
// wrong".
std::optional<SlurmJob> this_slurm_job();

// Expands Slurm's list of nodes: "gpu[01-03,7],login" are gpu01, gpu02, gpu03, gpu7 and login.
std::vector<std::string> parse_nodelist(const std::string& text);

// Expands Slurm's counts of `nodes` nodes: "4(x2),1" are 4, 4 and 1.
std::vector<int> parse_tasks_per_node(const std::string& text, size_t nodes);

// Returns SLURM_CPUS_PER_TASK of the job, the compute threads of a rank; 0: not given, or no job.
int slurm_cpus_per_task();

// Throws a job error for more ranks than the job has tasks.
void require_tasks(const SlurmJob& job, int ranks);

// Puts the job back into Slurm's queue, which ends it here, and returns a line on how that went.
std::string requeue(const SlurmJob& job);

}  // namespace ringtrain::launcher
