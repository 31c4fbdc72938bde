// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "launcher/events.hpp"
#include "launcher/mpirun.hpp"

namespace ringtrain::launcher {

// How a set of ranks ended.
struct Outcome {
  // 0 for a finished model; 2, 3 or 4 as the worker said; 4 where ranks were lost; 128 + N where we
  // were told to stop by signal N.
  int exit_code = 4;
  std::string cause;  // one line; empty on success
  std::optional<nlohmann::ordered_json> result;
};

// Starts mpirun, relays progress and output, passes on SIGINT, SIGTERM and SIGHUP (the second of
// them kills at once), and returns when no process is left. Progress, log and the ranks' stderr go
// to our stderr; other lines of their stdout go to ours, or also to stderr where stdout is kept for
// the result. With `relay_events` the ranks' events (events.hpp) go to our stdout, too, for a
// reader of our log: of steps at most one a second, and the placement again every ten minutes,
// since logs are rotated.
Outcome supervise(const MpirunCommand& command, bool keep_stdout, bool relay_events = false);

}  // namespace ringtrain::launcher
