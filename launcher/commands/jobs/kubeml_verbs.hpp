// SPDX-License-Identifier: Apache-2.0
// The verbs of `kubeml`. What is passed must live until the arguments are parsed.
#pragma once

#include <CLI/CLI.hpp>

#include "launcher/commands/jobs/kubeml_server.hpp"

namespace ringtrain::launcher {

// train, infer, task, logs. `exit_code`: of a prediction that failed, and of a log that is
// followed.
void add_task_verbs(CLI::App& app, KubemlServer& server, int& exit_code);

// function create, update, delete, list.
void add_function_verbs(CLI::App& app, KubemlServer& server);

// dataset create, delete, list.
void add_dataset_verbs(CLI::App& app, KubemlServer& server);

// history get, delete, list, prune.
void add_history_verbs(CLI::App& app, KubemlServer& server);

}  // namespace ringtrain::launcher
