// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::mpijob {

struct LogOptions {
  std::string name;
  bool follow = false;
  int rank = -1;          // the log of this rank's pod; -1: of the launcher
  bool launcher = false;  // --launcher was given; it is the default
  std::optional<int> tail;
  bool events = false;
};

// Writes a job's log to stdout. With `follow`, continues with new pods of the launcher (or of the
// worker) until the job has ended, and waits for a pod that does not exist yet, with the reason on
// stderr.
void print_logs(ApiClient& client, const LogOptions& options);

}  // namespace ringtrain::mpijob
