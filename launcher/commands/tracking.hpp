// SPDX-License-Identifier: Apache-2.0
// Reports of a run to programs of others: the tracker of `ringtrain run`, and `ringtrain track`.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "job/job_spec.hpp"
#include "launcher/commands/run_options.hpp"
#include "launcher/supervise/run_record.hpp"
#include "tracking/tracker.hpp"

namespace ringtrain::launcher {

// Starts the process that reports a run elsewhere, where options or the environment ask for it;
// null where they do not. `record`: null where this machine keeps none. `has_output`: this
// machine sees the job's output.
// Throws a job error for an address or a folder that cannot be used.
std::shared_ptr<tracking::Tracker> start_tracker(const RunOptions& options, const JobSpec& job,
                                                 const RunRecord* record, bool has_output);

// Returns the descriptor that takes the run's events.
int events_of(const tracking::Tracker& tracker);

// Passes the outcome on, and warns of what has not arrived.
void finish_tracker(tracking::Tracker& tracker, const JobSpec& job, Outcome outcome, Time started);

// `ringtrain track`
void add_track_command(CLI::App& app, int& exit_code);

}  // namespace ringtrain::launcher
