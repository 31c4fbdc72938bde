// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `run`, which checks a job, starts its ranks and supervises them until they have ended.
// `exit_code` becomes that of the run unless an exception is thrown; it must live as long as the
// app.
void add_run_command(CLI::App& app, int& exit_code);

}  // namespace ringtrain::launcher
