// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `import` with one subcommand per kind of source to `dataset`.
void add_import_commands(CLI::App& dataset);

}  // namespace ringtrain::launcher
