// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `submit`, which creates a job in a cluster or on a server. `exit_code` becomes that of a job
// that was waited for; it must live as long as the app.
void add_submit_command(CLI::App& app, int& exit_code);

}  // namespace ringtrain::launcher
