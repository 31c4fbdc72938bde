// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// Adds every command of `ringtrain`. words: those of the command line; `ringtrain run` takes a
// script's own off them. exit_code: set by commands that end with another than 0 without an
// exception; both must live as long as the app.
void add_all_commands(CLI::App& app, std::vector<std::string>& words, int& exit_code);

}  // namespace ringtrain::launcher
