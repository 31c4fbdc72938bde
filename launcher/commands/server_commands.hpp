// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// Adds `server`: jobs, charts and logs in a browser and by REST.
void add_server_command(CLI::App& app);

// `ringtrain keep DIR -- run ...`, by which a server starts runs: a run that outlives its terminal.
// `words` are what comes after `keep`, which CLI11 must not parse: they are a command line of their
// own.
int run_keep(const std::vector<std::string>& words);

// Adds `keep` to the help.
void add_keep_command(CLI::App& app);

}  // namespace ringtrain::launcher
