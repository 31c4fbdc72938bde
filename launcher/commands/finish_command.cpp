// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/finish_command.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "base/error.hpp"
#include "job/outcome_file.hpp"
#include "launcher/supervise/keep.hpp"

namespace ringtrain::launcher {
namespace {

void finish(const std::string& output) {
  if (!run_lives(output)) {
    throw job_error(
        fmt::format("{}: no run is under way there: give the folder that the job names "
                    "as output",
                    output));
  }
  ask_to_finish(output);
  fmt::print("{} ends after the step that it is in, evaluates and writes its model\n", output);
}

}  // namespace

void add_finish_command(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "finish", "End a run of this machine now: it evaluates, and writes its model and result");
  const auto output = std::make_shared<std::string>();
  command->add_option("output", *output, "The job's output folder")->required()->type_name("DIR");
  command->callback([output] { finish(*output); });
}

}  // namespace ringtrain::launcher
