// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "job/job_spec.hpp"
#include "launcher/commands/run_options.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/run_record.hpp"
#include "launcher/supervise/supervise.hpp"

namespace ringtrain::launcher {

// Runs the script of `options.job_file` on every rank until all have ended, and restarts them after
// a loss. Returns its exit code, 4 where ranks were lost too often, or 128 + N after a signal to
// us. Throws a job error.
int run_script(const RunOptions& options);

// Runs the script of a job file on every rank. Opens the record in the job's output, unless it is
// open elsewhere. Requires: the job has a script. Throws a job error.
RunEnd run_script_job(const RunOptions& options, const JobSpec& job, StopSignals& stop,
                      std::optional<RunRecord>& record);

}  // namespace ringtrain::launcher
