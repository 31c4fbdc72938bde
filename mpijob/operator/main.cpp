// SPDX-License-Identifier: Apache-2.0
// ringtrain-operator: trains the model of every TrainInKube of a namespace.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <random>
#include <string>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/machine.hpp"
#include "mpijob/client/access.hpp"
#include "mpijob/operator/operator.hpp"
#include "mpijob/operator/training_job.hpp"

namespace {

volatile std::sig_atomic_t stop = 0;

void set_stop(int /*signal*/) { stop = 1; }

struct Arguments {
  ringtrain::mpijob::AccessOptions access;
  std::string defaults;
  int64_t patience = 600;
};

void add_options(CLI::App& app, Arguments& arguments) {
  app.add_option("--namespace", arguments.access.name_space,
                 "Namespace to watch (default: the pod's own, or the kubeconfig's)")
      ->type_name("NAME");
  app.add_option("--kubeconfig", arguments.access.kubeconfig,
                 "Kubeconfig (default: as kubectl finds it, else the pod's service account)")
      ->type_name("FILE");
  app.add_option("--context", arguments.access.context, "Context of the kubeconfig")
      ->type_name("NAME");
  app.add_option("--defaults", arguments.defaults,
                 "YAML file with keys of the job file for every TrainInKube, as in kubernetes: "
                 "{image: ...}")
      ->type_name("FILE");
  app.add_option("--patience", arguments.patience,
                 "Seconds until a pod that cannot start, as without its image, fails its resource")
      ->check(CLI::Range(int64_t{1}, int64_t{604800}))
      ->capture_default_str();
  app.footer(
      "One operator works at a time: others wait for the Lease ringtrain-operator.\n\n"
      "Examples:\n  ringtrain-operator --namespace team --defaults defaults.yaml");
}

void run(const Arguments& arguments) {
  ringtrain::mpijob::OperatorSettings settings;
  settings.patience = std::chrono::seconds(arguments.patience);
  if (!arguments.defaults.empty()) {
    settings.defaults = ringtrain::mpijob::read_defaults(ringtrain::read_file(arguments.defaults),
                                                         arguments.defaults);
  }
  const std::string identity =
      ringtrain::host_name() + "-" + std::to_string(std::random_device()());
  ringtrain::mpijob::ApiClient client(ringtrain::mpijob::find_access(arguments.access));
  ringtrain::mpijob::Operator(client, settings, identity).run(stop);
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action {};
  action.sa_handler = set_stop;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  CLI::App app("Trains the model of every TrainInKube of a namespace.", "ringtrain-operator");
  app.set_version_flag("--version", "ringtrain-operator " RINGTRAIN_VERSION);
  ringtrain::set_messages(app);
  Arguments arguments;
  add_options(app, arguments);
  try {
    app.parse(argc, argv);
    run(arguments);
  } catch (const CLI::ParseError& error) {
    return ringtrain::exit_code_of(app, error);
  } catch (const std::exception& error) {
    ringtrain::complain(error.what());
    return ringtrain::exit_code_of(error);
  }
  return 0;
}
