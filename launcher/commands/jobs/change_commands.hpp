// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `stop`, `suspend`, `resume`, `scale`, `clone` and `delete`, for jobs of a cluster or a
// server.
void add_change_commands(CLI::App& app);

}  // namespace ringtrain::launcher
