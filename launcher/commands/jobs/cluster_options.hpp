// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "mpijob/client/access.hpp"
#include "server/client/remote_server.hpp"

namespace ringtrain::launcher {

// Adds --kubeconfig, --context and --namespace to a command that talks to a cluster.
std::shared_ptr<mpijob::AccessOptions> add_cluster_options(CLI::App& command);

// Adds --server to such a command.
std::shared_ptr<std::string> add_server_option(CLI::App& command);

// Returns the server that a command is for, by --server, else RINGTRAIN_SERVER; nothing where it is
// for a cluster. Throws a job error where both are named.
std::optional<server::RemoteServer> find_server(const std::string& option,
                                                const mpijob::AccessOptions& cluster);

// Adds the NAME of a job.
void add_job_name(CLI::App& command, std::string& name);

}  // namespace ringtrain::launcher
