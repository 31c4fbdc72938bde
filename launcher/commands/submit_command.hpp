// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `submit`, which creates a job in a cluster. `exit_code` becomes 4 if the job was waited for
// and did not succeed; it must live as long as the app.
void add_submit_command(CLI::App& app, int& exit_code);

}  // namespace ringtrain::launcher
