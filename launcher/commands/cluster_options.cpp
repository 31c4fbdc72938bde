// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/cluster_options.hpp"

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

void add_job_name(CLI::App& command, std::string& name) {
  command.add_option("name", name, "The job's name")->required()->type_name("NAME");
}

}  // namespace ringtrain::launcher
