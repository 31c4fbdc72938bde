// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `model` with `convert`, which turns files of models into those of other programs.
void add_model_command(CLI::App& app);

}  // namespace ringtrain::launcher
