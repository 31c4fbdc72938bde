// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// `ringtrain keep DIR -- run ...`: starts a run that outlives its terminal. `words` are what comes
// after `keep`, which CLI11 must not parse: they are a command line of their own.
int run_keep(const std::vector<std::string>& words);

// Adds `keep` to the help.
void add_keep_command(CLI::App& app);

}  // namespace ringtrain::launcher
