// SPDX-License-Identifier: Apache-2.0
// Datasets and models of a server, as commands.
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `list` and `upload` to `dataset`.
void add_server_datasets(CLI::App& dataset);

// Adds `list`, `get` and `alias` to `model`.
void add_server_models(CLI::App& model);

}  // namespace ringtrain::launcher
