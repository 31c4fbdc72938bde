// SPDX-License-Identifier: Apache-2.0
// Completion of the command line in bash and zsh, made from the commands themselves, so that it
// names every sub-command and option.
#pragma once

#include <CLI/App.hpp>

namespace ringtrain::launcher {

// Adds `ringtrain completion bash|zsh`, which prints a script for the shell to source (zsh may
// autoload it). The script knows sub-commands and options of `app`; other words complete to files.
void add_completion_command(CLI::App& app);

}  // namespace ringtrain::launcher
