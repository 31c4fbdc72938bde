// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/follow_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/command_line.hpp"
#include "server/cluster/follower.hpp"

namespace ringtrain::launcher {

int follow_command(std::vector<std::string> arguments) {
  server::FollowerOptions options;
  CLI::App app("Follow a job of a server in a cluster.", "ringtrain follow");
  app.add_option("job", options.job_file)->required();
  app.add_option("--run-dir", options.folder)->required();
  app.add_option("--mark", options.mark)->required();
  app.add_option("--set", options.overrides)->allow_extra_args(false);
  app.add_option("--kubeconfig", options.cluster.kubeconfig);
  app.add_option("--context", options.cluster.context);
  app.add_option("--namespace", options.cluster.name_space);
  app.add_flag("--remove", options.remove);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return exit_code_of(app, error);
  }
  return server::follow_run(options);
}

}  // namespace ringtrain::launcher
