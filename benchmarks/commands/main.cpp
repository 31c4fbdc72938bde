// SPDX-License-Identifier: Apache-2.0
// ringtrain-bench: measures this machine side by side with its limits and with other systems.
// `ringtrain bench` starts it.
#include <CLI/CLI.hpp>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "benchmarks/commands/all_reduce.hpp"
#include "benchmarks/commands/data.hpp"
#include "benchmarks/commands/step.hpp"

int main(int argc, char** argv) {
  CLI::App app("Measure this machine, side by side with its limits", "ringtrain bench");
  ringtrain::set_messages(app);
  app.set_version_flag("--version", "ringtrain " RINGTRAIN_VERSION);
  app.require_subcommand(1);
  ringtrain::benchmarks::add_bench_all_reduce_command(app);
  ringtrain::benchmarks::add_bench_data_command(app);
  ringtrain::benchmarks::add_bench_step_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ringtrain::exit_code_of(app, error);
  } catch (const std::exception& error) {
    ringtrain::complain(error.what());
    return ringtrain::exit_code_of(error);
  }
  return 0;
}
