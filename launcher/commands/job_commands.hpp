// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `schema`, which prints the job file's JSON Schema, and `validate`, which checks a job and
// prints it with all defaults.
void add_job_commands(CLI::App& app);

}  // namespace ringtrain::launcher
