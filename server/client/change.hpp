// SPDX-License-Identifier: Apache-2.0
// `submit`, `stop`, `resume`, `finish`, `scale`, `clone` and `delete` on a server.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "server/client/remote_server.hpp"

namespace ringtrain::server {

struct RemoteSubmission {
  std::string job_file;
  std::vector<std::string> overrides = {};
  int ranks = 0;     // 0: as the job says
  int priority = 0;  // in its queue
  bool wait = false;
  std::optional<std::chrono::seconds> limit = {};
  bool as_json = false;
};

// Sends a job; the same command makes one job however often the connection is cut. With `wait`
// returns the job's exit code.
int submit_to_server(RemoteServer& server, const RemoteSubmission& submission);

struct RemoteChange {
  std::string name;
  std::chrono::seconds limit{0};  // of the wait until it has happened; 0: no wait
  bool as_json = false;
};

// Throw a RefusedByServer where the job's state does not allow it, and a training error where it
// has not happened within the limit.
void stop_on_server(RemoteServer& server, const RemoteChange& change);
void resume_on_server(RemoteServer& server, const RemoteChange& change);
void scale_on_server(RemoteServer& server, const RemoteChange& change, int ranks);
void finish_on_server(RemoteServer& server, const RemoteChange& change);
void clone_on_server(RemoteServer& server, const RemoteChange& change);
void delete_on_server(RemoteServer& server, const RemoteChange& change);

}  // namespace ringtrain::server
