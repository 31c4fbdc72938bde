// SPDX-License-Identifier: Apache-2.0
// Datasets and models of a server, as commands.
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `list` and `upload` to `dataset`.
void add_server_datasets(CLI::App& dataset);

// Adds `model` with `list`, `get` and `alias`.
void add_model_command(CLI::App& app);

}  // namespace ringtrain::launcher
