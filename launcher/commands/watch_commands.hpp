// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `jobs`, `status` and `logs`, which show a cluster's jobs. `exit_code` becomes 4 if a watched
// job did not succeed; it must live as long as the app.
void add_watch_commands(CLI::App& app, int& exit_code);

}  // namespace ringtrain::launcher
