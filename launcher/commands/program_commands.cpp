// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/program_commands.hpp"

#include <cstdlib>
#include <string>
#include <vector>

#include "base/spawn.hpp"
#include "launcher/mpi/mpirun_command.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::launcher {
namespace {

// `program`: its name, and what comes before the arguments.
void add(CLI::App& app, const std::string& name, const std::string& description,
         const std::vector<std::string>& program) {
  CLI::App* const command = app.add_subcommand(name, description);
  command->set_help_flag();  // the program has its own
  command->prefix_command();
  command->callback([command, program] {
    std::vector<std::string> words = program;
    words[0] = find_program_beside(words[0]);
    const std::vector<std::string> arguments = command->remaining();
    words.insert(words.end(), arguments.begin(), arguments.end());
    if (std::getenv(kWaitPolicyVariable) == nullptr) setenv(kSpinVariable, kSpinRounds, 0);
    execute(words);
  });
}

}  // namespace

void add_program_commands(CLI::App& app) {
  add(app, "evaluate", "Say how well a trained model does on a dataset",
      {"ringtrain-serve", "evaluate"});
  add(app, "predict", "Print the classes that a trained model finds for images, arrays or rows",
      {"ringtrain-serve", "predict"});
  add(app, "serve", "Answer requests by trained models over HTTP, with a page to draw on",
      {"ringtrain-serve", "serve"});
  add(app, "bench", "Measure this machine, side by side with its limits", {"ringtrain-bench"});
}

}  // namespace ringtrain::launcher
