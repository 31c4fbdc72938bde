// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "mpijob/client/access.hpp"

namespace ringtrain::launcher {

// Adds --kubeconfig, --context and --namespace to a command that talks to a cluster.
std::shared_ptr<mpijob::AccessOptions> add_cluster_options(CLI::App& command);

// Adds the NAME of a job.
void add_job_name(CLI::App& command, std::string& name);

}  // namespace ringtrain::launcher
