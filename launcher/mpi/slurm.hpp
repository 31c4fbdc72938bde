// SPDX-License-Identifier: Apache-2.0
// The Slurm job that this program runs in, by the variables that sbatch and salloc set.
#pragma once

#include <string>
#include <vector>

#include "launcher/mpi/hostfile.hpp"

namespace ringtrain::launcher {

// Returns SLURM_JOB_ID; empty: this is no job of Slurm.
std::string slurm_job();

// Returns the hosts of the job, a slot for each task, by SLURM_JOB_NODELIST and
// SLURM_TASKS_PER_NODE; none outside of a job. Throws a job error "SLURM_...=VALUE: what is wrong".
std::vector<Host> slurm_hosts();

// Returns SLURM_CPUS_PER_TASK of the job, the compute threads of a rank; 0: not given, or no job.
int slurm_cpus_per_task();

// Returns SLURM_RESTART_COUNT: how often the job was requeued.
int slurm_restarts();

// Expands Slurm's list of nodes: "gpu[01-03,7],login" are gpu01, gpu02, gpu03, gpu7 and login.
std::vector<std::string> parse_nodelist(const std::string& text);

// Expands Slurm's counts of `nodes` nodes: "4(x2),1" are 4, 4 and 1.
std::vector<int> parse_tasks_per_node(const std::string& text, size_t nodes);

// Throws a job error for more ranks than the job has tasks.
void require_tasks(int ranks);

// Puts the job back into Slurm's queue, which then ends this program. Returns a line where that
// fails, else an empty text.
std::string requeue_slurm_job();

}  // namespace ringtrain::launcher
