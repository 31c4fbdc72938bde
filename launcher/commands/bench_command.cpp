// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/bench_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::launcher {

void add_bench_command(CLI::App& app) {
  CLI::App* const command =
      app.add_subcommand("bench", "Measure this machine, side by side with its limits");
  command->set_help_flag();  // ringtrain-bench has its own
  command->prefix_command();
  command->callback([command] {
    const std::string program = find_program_beside("ringtrain-bench");
    std::vector<std::string> arguments = command->remaining();
    arguments.insert(arguments.begin(), program);
    std::vector<char*> pointers;
    std::ranges::transform(arguments, std::back_inserter(pointers),
                           [](std::string& argument) { return argument.data(); });
    pointers.push_back(nullptr);
    ::execv(program.c_str(), pointers.data());
    throw std::system_error(errno, std::generic_category(), program);
  });
}

}  // namespace ringtrain::launcher
