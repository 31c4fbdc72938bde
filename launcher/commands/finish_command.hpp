// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `finish`, which ends a run of this machine early, with its model.
void add_finish_command(CLI::App& app);

}  // namespace ringtrain::launcher
