// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launcher/commands/run_options.hpp"
#include "launcher/supervise/supervise.hpp"

namespace ringtrain::launcher {

// Returns the hosts and the numbers of ranks that -n, --hostfile, --discover, --host-timeout,
// --nnodes and --nproc-per-node ask for; all else is at its default. Throws a job error.
Supervision plan_script(const RunOptions& options);

// Throws a job error where -n asks for more ranks than the hostfile or the Slurm job has room for.
void require_slots(const RunOptions& options, const HostSource& hosts);

// Puts the Slurm job of a run that SIGUSR1 has stopped back into Slurm's queue.
void requeue_if_asked(const Outcome& outcome);

}  // namespace ringtrain::launcher
