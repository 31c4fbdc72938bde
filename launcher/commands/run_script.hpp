// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launcher/commands/run_options.hpp"
#include "launcher/script/rank_spec.hpp"

namespace ringtrain::launcher {

// Returns how ranks show and write their output, and their port. Throws a job error.
RankSpec ranks_of(const ScriptOptions& script);

// Runs the script of `options.job_file` on every rank until all have ended, and restarts them after
// a loss. Returns its exit code, 4 where ranks were lost too often, or 128 + N after a signal to
// us. Throws a job error.
int run_script(const RunOptions& options);

}  // namespace ringtrain::launcher
