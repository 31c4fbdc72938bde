// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/cluster_options.hpp"

#include <cstdlib>
#include <utility>

#include "base/error.hpp"

namespace ringtrain::launcher {

std::shared_ptr<mpijob::AccessOptions> add_cluster_options(CLI::App& command) {
  auto options = std::make_shared<mpijob::AccessOptions>();
  command
      .add_option("--kubeconfig", options->kubeconfig,
                  "Kubeconfig (default: $KUBECONFIG, ~/.kube/config, or the pod's service account)")
      ->type_name("FILE");
  command
      .add_option("--context", options->context,
                  "Context of the kubeconfig (default: its current one)")
      ->type_name("NAME");
  command.add_option("--namespace", options->name_space, "Namespace (default: the context's)")
      ->type_name("NAME");
  return options;
}

std::shared_ptr<std::string> add_server_option(CLI::App& command) {
  auto place = std::make_shared<std::string>();
  command
      .add_option("--server", *place,
                  "Server to ask instead of a cluster: its address, or its folder on this machine "
                  "(default: $RINGTRAIN_SERVER). The token: $RINGTRAIN_TOKEN, else the folder's")
      ->type_name("URL|DIR");
  return place;
}

std::optional<server::RemoteServer> find_server(const std::string& option,
                                                const mpijob::AccessOptions& cluster) {
  const bool names_cluster =
      !cluster.kubeconfig.empty() || !cluster.context.empty() || !cluster.name_space.empty();
  if (names_cluster && !option.empty()) {
    throw job_error(
        "--server: goes without --kubeconfig, --context and --namespace, which are of a cluster");
  }
  if (names_cluster) return std::nullopt;
  const char* const variable = std::getenv("RINGTRAIN_SERVER");
  const std::string place = !option.empty() || variable == nullptr ? option : variable;
  if (place.empty()) return std::nullopt;
  return std::optional<server::RemoteServer>(std::in_place, place);
}

void add_job_name(CLI::App& command, std::string& name) {
  command.add_option("name", name, "The job's name")->required()->type_name("NAME");
}

}  // namespace ringtrain::launcher
