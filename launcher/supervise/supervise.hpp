// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "job/job_spec.hpp"
#include "job/outcome_file.hpp"
#include "job/result_file.hpp"
#include "launcher/supervise/attempt.hpp"
#include "launcher/supervise/clock.hpp"
#include "launcher/supervise/host_source.hpp"
#include "launcher/supervise/ranks.hpp"
#include "launcher/supervise/run_observer.hpp"

namespace ringtrain::launcher {

// How a run ended.
struct RunEnd {
  // Its exit code: 0 for a finished model; 2, 3 or 4 as the worker reported; 4 when ranks were lost
  // too often; 128 + N after a request to stop by signal N. It has no times yet.
  Outcome outcome = {};
  std::optional<Result> result = {};
  // The output of the rank of a script that failed first: a path on its host.
  std::string log = {};
};

struct Supervision {
  HostSource hosts;
  int ranks = 0;  // to start with; 0: one on this machine, or all slots
  WorkersSpec workers = {};
  int restarts = 3;  // in a row without a newer checkpoint
  int64_t batch_size = 1;
  std::chrono::seconds host_timeout{60};
  std::chrono::seconds start_timeout{300};
  std::optional<ScriptTerms> script = {};  // the ranks run a script
};

// Starts ranks on hosts that answer, as often as needed, and returns when the model is trained, or
// cannot be. Lost ranks are restarted from the newest checkpoint on the hosts that answer then;
// when hosts are added, ranks are restarted on all of them. Prints nothing: the observer gets
// everything.
RunEnd supervise(const Supervision& run, RankStarter& starter, Clock& clock, RunObserver& observer);

}  // namespace ringtrain::launcher
