// SPDX-License-Identifier: Apache-2.0
// ringtrain: prepares datasets, checks jobs, and starts and supervises the ranks that train them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "launcher/commands/all_commands.hpp"

int main(int argc, char** argv) {
  int exit_code = 0;
  try {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    const std::string name = std::filesystem::path(argv[0]).filename();
    if (const auto code = ringtrain::launcher::run_by_name(name, arguments, RINGTRAIN_VERSION)) {
      return *code;
    }
    if (const auto code = ringtrain::launcher::run_for_programs(arguments)) return *code;
    CLI::App app("Trains neural networks on many GPUs or cores as one persistent MPI job.",
                 "ringtrain");
    ringtrain::set_messages(app);
    app.set_version_flag("--version", "ringtrain " RINGTRAIN_VERSION);
    app.require_subcommand(1);
    ringtrain::launcher::add_all_commands(app, arguments, exit_code);
    try {
      std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      return ringtrain::exit_code_of(app, error);
    }
    return exit_code;
  } catch (const std::exception& error) {
    ringtrain::complain(error.what());
    return ringtrain::exit_code_of(error);
  }
}
