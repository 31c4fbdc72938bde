// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/finish_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "job/outcome_file.hpp"
#include "launcher/commands/jobs/cluster_options.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/client/change.hpp"

namespace ringtrain::launcher {
namespace {

void finish(const std::string& output) {
  if (output.find('/') == std::string::npos && !std::filesystem::exists(output)) {
    throw job_error(
        fmt::format("{0}: is no folder here: give the job's output, or for job {0} of a server "
                    "--server or RINGTRAIN_SERVER",
                    output));
  }
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
      "finish",
      "End a run of this machine or a job of a server now: it evaluates, and writes its model and "
      "result");
  const auto output = std::make_shared<std::string>();
  const auto as_json = std::make_shared<bool>(false);
  command->add_option("output", *output, "The job's output folder; with a server the job's name")
      ->required()
      ->type_name("DIR|NAME");
  const auto place = add_server_option(*command);
  command->add_flag("--json", *as_json, "With a server: print the job as JSON");
  command->callback([output, as_json, place] {
    // A path is of this machine, also where RINGTRAIN_SERVER is set.
    const bool is_path = output->find('/') != std::string::npos;
    if (place->empty() && is_path) return finish(*output);
    if (auto remote = find_server(*place, {})) {
      return server::finish_on_server(*remote, {*output, std::chrono::seconds(0), *as_json});
    }
    finish(*output);
  });
}

}  // namespace ringtrain::launcher
