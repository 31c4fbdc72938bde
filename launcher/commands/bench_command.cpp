// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/bench_command.hpp"

#include <string>
#include <vector>

#include "base/spawn.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::launcher {

void add_bench_command(CLI::App& app) {
  CLI::App* const command =
      app.add_subcommand("bench", "Measure this machine, side by side with its limits");
  command->set_help_flag();  // ringtrain-bench has its own
  command->prefix_command();
  command->callback([command] {
    std::vector<std::string> arguments = command->remaining();
    arguments.insert(arguments.begin(), find_program_beside("ringtrain-bench"));
    execute(arguments);
  });
}

}  // namespace ringtrain::launcher
