// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `stop`, `suspend`, `resume`, `scale` and `delete` of a cluster's jobs.
void add_change_commands(CLI::App& app);

}  // namespace ringtrain::launcher
