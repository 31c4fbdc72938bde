// SPDX-License-Identifier: Apache-2.0
// `jobs`, `status` and `logs` of a server. What lasts ends with the job alone: where a connection
// is cut, it continues where it was.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "server/client/remote_server.hpp"

namespace ringtrain::server {

void print_remote_jobs(RemoteServer& server, bool as_json);

// Prints a job's state. With `watch`, prints changes until it has ended, and returns its exit code.
int print_remote_status(RemoteServer& server, const std::string& name, bool watch, bool as_json);

struct RemoteLog {
  std::string name;
  bool follow = false;
  std::optional<int> tail = {};  // lines
  bool as_json = false;          // {"attempt": N, "line": "..."} for each line
};

// Prints the log of a job's newest attempt. With `follow`, also what comes, of later attempts, too,
// until the job has ended, and returns its exit code.
int print_remote_log(RemoteServer& server, const RemoteLog& wish);

// Waits until a job has ended, with a line for every change and every few seconds unless `quiet`.
// Returns what it is then; nothing where `limit` has passed.
std::optional<nlohmann::ordered_json> watch_until_end(
    RemoteServer& server, const std::string& name, bool quiet,
    std::optional<std::chrono::seconds> limit = {});

}  // namespace ringtrain::server
