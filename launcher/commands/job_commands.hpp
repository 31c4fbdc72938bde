// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `schema`, which prints the job file's JSON Schema, and `validate`, which prints a job as
// understood.
void add_job_commands(CLI::App& app);

}  // namespace ringtrain::launcher
