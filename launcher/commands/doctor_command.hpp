// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::launcher {

// Adds `doctor`, which checks this machine. `exit_code` becomes 4 if it cannot train; it must live
// as long as the app.
void add_doctor_command(CLI::App& app, int& exit_code);

}  // namespace ringtrain::launcher
