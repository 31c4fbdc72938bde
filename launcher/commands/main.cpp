// SPDX-License-Identifier: Apache-2.0
// ringtrain: prepares datasets, checks jobs, and starts and supervises the ranks that train them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "launcher/commands/change_commands.hpp"
#include "launcher/commands/completion.hpp"
#include "launcher/commands/dataset_command.hpp"
#include "launcher/commands/doctor_command.hpp"
#include "launcher/commands/job_commands.hpp"
#include "launcher/commands/program_commands.hpp"
#include "launcher/commands/render_command.hpp"
#include "launcher/commands/run_command.hpp"
#include "launcher/commands/submit_command.hpp"
#include "launcher/commands/watch_commands.hpp"
#include "launcher/mpi/remote_shell.hpp"
#include "launcher/script/rank_command.hpp"

namespace {

void group_cluster_commands(CLI::App& app) {
  for (const char* name : {"submit", "render", "jobs", "status", "logs", "stop", "suspend",
                           "resume", "scale", "delete"}) {
    app.get_subcommand(name)->group("On Kubernetes");
  }
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  try {
    // Commands that programs call, not people: CLI11 must not parse their arguments.
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments[0] == "remote-shell") {
      return ringtrain::launcher::remote_shell({arguments.begin() + 1, arguments.end()});
    }
    if (arguments.size() == 3 && arguments[0] == "guard") {
      return ringtrain::launcher::guard(arguments[1], arguments[2]);
    }
    if (!arguments.empty() && arguments[0] == "rank") {
      return ringtrain::launcher::rank_command({arguments.begin() + 1, arguments.end()});
    }
    CLI::App app("Trains neural networks on many GPUs or cores as one persistent MPI job.",
                 "ringtrain");
    ringtrain::set_messages(app);
    app.set_version_flag("--version", "ringtrain " RINGTRAIN_VERSION);
    app.require_subcommand(1);
    ringtrain::launcher::add_run_command(app, arguments, exit_code);
    ringtrain::launcher::add_job_commands(app);
    ringtrain::launcher::add_submit_command(app, exit_code);
    ringtrain::launcher::add_watch_commands(app, exit_code);
    ringtrain::launcher::add_change_commands(app);
    ringtrain::launcher::add_render_command(app);
    ringtrain::launcher::add_dataset_command(app);
    ringtrain::launcher::add_doctor_command(app, exit_code);
    ringtrain::launcher::add_program_commands(app);
    ringtrain::launcher::add_completion_command(app);
    group_cluster_commands(app);
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
