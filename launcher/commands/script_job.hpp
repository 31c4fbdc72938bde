// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "job/job_spec.hpp"
#include "launcher/commands/run_options.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/supervise/run_record.hpp"
#include "launcher/supervise/supervise.hpp"

namespace ringtrain::launcher {

// Runs the script of a job file on every rank. Opens the record in the job's output, unless it is
// open elsewhere. Requires: the job has a script. Throws a job error.
RunEnd run_script_job(const RunOptions& options, const JobSpec& job, StopSignals& stop,
                      std::optional<RunRecord>& record);

}  // namespace ringtrain::launcher
