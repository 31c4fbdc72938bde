// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "job/events.hpp"
#include "job/job_spec.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/supervise/host_source.hpp"

namespace ringtrain::launcher {

// How a run ended.
struct Outcome {
  // 0 for a finished model; 2, 3 or 4 as the worker said; 4 where ranks were lost too often; 128 +
  // N where we were told to stop by signal N.
  int exit_code = 4;
  std::string cause;  // one line; empty on success
  std::optional<nlohmann::ordered_json> result;
};

struct Supervision {
  HostSource hosts;
  int ranks = 0;  // to start with; 0: one on this machine, or all slots
  WorkersSpec workers = {};
  int restarts = 3;  // without a newer checkpoint in between
  int64_t batch_size = 1;
  bool keep_stdout = false;   // for the result
  bool relay_events = false;  // to our stdout (event_relay.hpp)
  std::chrono::seconds host_timeout{60};
  std::chrono::seconds start_timeout{300};
  // The command of mpirun for ranks that were laid out, on hosts in a hostfile. go_on: from the
  // checkpoints of this run, whatever the job says of those before it.
  std::function<MpirunCommand(const RankLayout&, const std::string& hostfile, bool go_on)> command =
      {};
};

// Starts ranks on hosts that answer, as often as needed, and stays until the model is trained, or
// can't be. Where ranks are lost they start again, from their newest checkpoint, on the hosts that
// answer then; where more hosts have come, with more ranks. Progress, log and the ranks' stderr go
// to our stderr; other lines of their stdout to ours, or to stderr where stdout is kept.
Outcome supervise(Supervision supervision);

}  // namespace ringtrain::launcher
