// SPDX-License-Identifier: Apache-2.0
// Help and refusals of our programs' command lines, which CLI11 parses.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace ringtrain {

// Makes a program print help that is as wide as the terminal, and refuse arguments in one line that
// names the command and what was wrong, with what was probably meant. Called before sub-commands
// are added: they inherit it.
void set_messages(CLI::App& program);

// Returns our spelling of an option that mpirun spells otherwise: "-n" for -np and --np,
// "--hostfile" for -hostfile, -machinefile and --machinefile. Any other word comes back as it is.
std::string from_mpirun_spelling(const std::string& word);

// Prints "ringtrain: TEXT" on stderr. Never throws, as fmt::print does where the terminal was
// closed: that must not change an exit code.
void complain(const std::string& text);

// Shows the help or the version that was asked for, or what is wrong with the arguments. Returns
// the exit code of the program.
int exit_code_of(const CLI::App& program, const CLI::ParseError& error);

}  // namespace ringtrain
