// SPDX-License-Identifier: Apache-2.0
// ringtrain-bench: measures this machine side by side with its limits and with other systems.
// `ringtrain bench` starts it.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "benchmarks/commands/all_reduce.hpp"
#include "benchmarks/commands/compare.hpp"
#include "benchmarks/commands/predict.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/data/data.hpp"
#include "benchmarks/emulation/emulate.hpp"
#include "benchmarks/scaling/scaling.hpp"
#include "benchmarks/step/step.hpp"

int main(int argc, char** argv) {
  CLI::App app("Measure this machine, side by side with its limits", "ringtrain bench");
  ringtrain::set_messages(app);
  app.set_version_flag("--version", "ringtrain " RINGTRAIN_VERSION);
  app.require_subcommand(1);
  app.footer(
      "The help of each benchmark says which files it writes, as in: ringtrain bench data --help. "
      "Nothing stays but what --json and --directory name.");
  ringtrain::benchmarks::add_bench_all_reduce_command(app);
  ringtrain::benchmarks::add_bench_compare_command(app);
  ringtrain::benchmarks::add_bench_data_command(app);
  ringtrain::benchmarks::add_bench_emulate_command(app);
  ringtrain::benchmarks::add_bench_predict_command(app);
  ringtrain::benchmarks::add_bench_scaling_command(app);
  ringtrain::benchmarks::add_bench_step_command(app);
  try {
    std::vector<std::string> words;  // the last one first, as CLI11 takes them
    for (int i = argc - 1; i > 0; --i) words.push_back(ringtrain::from_mpirun_spelling(argv[i]));
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return ringtrain::exit_code_of(app, error);
  } catch (const ringtrain::benchmarks::NoisyMachine& error) {
    ringtrain::complain(error.what());
    return ringtrain::benchmarks::kExitNoisyMachine;
  } catch (const std::exception& error) {
    ringtrain::complain(error.what());
    return ringtrain::exit_code_of(error);
  }
  return 0;
}
