// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launcher/commands/run_options.hpp"
#include "launcher/supervise/supervise.hpp"

namespace ringtrain::launcher {

// Returns the hosts and the numbers of ranks that -n, --hostfile, --discover, --host-timeout,
// --nnodes and --nproc-per-node ask for; all else is at its default. Throws a job error.
Supervision plan_script(const RunOptions& options);

}  // namespace ringtrain::launcher
