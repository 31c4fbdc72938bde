// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// `ringtrain bench`, `evaluate` and `predict`: programs of their own, which replace this process
// and get the same arguments.
void add_program_commands(CLI::App& app);

}  // namespace ringtrain::launcher
