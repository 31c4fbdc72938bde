// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `server`: jobs, charts and logs in a browser and by REST.
void add_server_command(CLI::App& app);

}  // namespace ringtrain::launcher
