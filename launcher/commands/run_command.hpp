// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// Adds `run`, which checks a job or a script, starts its ranks and supervises them until they have
// ended. `words`: of the command line, as take_script_arguments() takes them. `exit_code` becomes
// that of the run unless an exception is thrown; it must live as long as the app.
void add_run_command(CLI::App& app, std::vector<std::string>& words, int& exit_code);

}  // namespace ringtrain::launcher
