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
#include "launcher/commands/jobs/follow_command.hpp"
#include "launcher/commands/jobs/kubeml_command.hpp"
#include "launcher/commands/server_commands.hpp"
#include "launcher/commands/storage_commands.hpp"
#include "launcher/mpi/remote_shell.hpp"
#include "launcher/process/confine.hpp"
#include "launcher/script/rank_command.hpp"

int main(int argc, char** argv) {
  int exit_code = 0;
  try {
    // CLI11 must not parse the arguments of the commands that programs call, nor those of keep,
    // which hold another command.
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (std::filesystem::path(argv[0]).filename() == "kubeml") {
      return ringtrain::launcher::run_kubeml(std::move(arguments), RINGTRAIN_VERSION);
    }
    if (!arguments.empty() && arguments[0] == "remote-shell") {
      return ringtrain::launcher::remote_shell({arguments.begin() + 1, arguments.end()});
    }
    if (arguments.size() == 3 && arguments[0] == "guard") {
      return ringtrain::launcher::guard(arguments[1], arguments[2]);
    }
    if (arguments.size() >= 3 && arguments[0] == "keep") {
      return ringtrain::launcher::run_keep({arguments.begin() + 1, arguments.end()});
    }
    if (!arguments.empty() && arguments[0] == "confine") {
      ringtrain::launcher::run_confined({arguments.begin() + 1, arguments.end()});
    }
    if (!arguments.empty() && arguments[0] == "follow") {
      return ringtrain::launcher::follow_command({arguments.begin() + 1, arguments.end()});
    }
    if (!arguments.empty() && arguments[0] == "rank") {
      return ringtrain::launcher::rank_command({arguments.begin() + 1, arguments.end()});
    }
    if (arguments.size() == 3 && arguments[0] == "fetch") {
      return ringtrain::launcher::run_fetch({arguments.begin() + 1, arguments.end()});
    }
    if (arguments.size() == 3 && arguments[0] == "mirror") {
      return ringtrain::launcher::run_mirror({arguments.begin() + 1, arguments.end()});
    }
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
