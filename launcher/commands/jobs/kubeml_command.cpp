// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/kubeml_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/command_line.hpp"
#include "launcher/commands/jobs/kubeml_verbs.hpp"

namespace ringtrain::launcher {

int run_kubeml(std::vector<std::string> arguments, const std::string& version) {
  CLI::App app("Trains and serves function files of KubeML on a ringtrain server.", "kubeml");
  set_messages(app);
  app.set_version_flag("--version", "kubeml of ringtrain " + version);
  app.require_subcommand(1);
  app.fallthrough();
  KubemlServer server;
  app.add_option("--server", server.place,
                 "Server: its address, or its folder on this machine (default: $RINGTRAIN_SERVER, "
                 "else ~/.local/share/ringtrain). The token: $RINGTRAIN_TOKEN, else the folder's")
      ->type_name("URL|DIR");
  int exit_code = 0;
  add_task_verbs(app, server, exit_code);
  add_function_verbs(app, server);
  add_dataset_verbs(app, server);
  add_history_verbs(app, server);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return exit_code_of(app, error);
  }
  return exit_code;
}

}  // namespace ringtrain::launcher
