// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `jobs`, `status` and `logs`, which show the jobs of a cluster or a server. `exit_code`
// becomes that of a job that was watched to its end; it must live as long as the app.
void add_watch_commands(CLI::App& app, int& exit_code);

}  // namespace ringtrain::launcher
