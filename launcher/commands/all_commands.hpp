// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// The commands of `ringtrain` are in all_commands.cpp, or, in a program that runs scripts alone, in
// commands_for_scripts.cpp.

// Runs a command that programs call, or keep, which holds another command: CLI11 must not parse
// their arguments. Returns its exit code, and nothing where the words begin another command.
std::optional<int> run_for_programs(const std::vector<std::string>& words);

// Runs the program of another name that this one is: kubeml. Returns its exit code, and nothing for
// any other name.
std::optional<int> run_by_name(const std::string& name, const std::vector<std::string>& words,
                               const std::string& version);

// Adds every command of `ringtrain`. words: those of the command line; `ringtrain run` takes a
// script's own off them. exit_code: set by commands that end with another than 0 without an
// exception; both must live as long as the app.
void add_all_commands(CLI::App& app, std::vector<std::string>& words, int& exit_code);

}  // namespace ringtrain::launcher
