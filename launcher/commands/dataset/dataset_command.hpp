// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `dataset` with its subcommands. Their callbacks do the work, and throw a data error or a job
// error, from which main makes the exit code.
void add_dataset_command(CLI::App& app);

}  // namespace ringtrain::launcher
