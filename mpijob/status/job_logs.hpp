// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::mpijob {

struct LogOptions {
  std::string name;
  bool follow = false;
  int rank = -1;          // of whose worker's pod; -1: the launcher
  bool launcher = false;  // said so; it is the default
  std::optional<int> tail;
  bool events = false;
};

// Writes a job's log to stdout. Following goes on over new pods of the launcher (or of the worker)
// until the job has ended, and waits for one that is not there yet, saying on stderr why.
void print_logs(ApiClient& client, const LogOptions& options);

}  // namespace ringtrain::mpijob
