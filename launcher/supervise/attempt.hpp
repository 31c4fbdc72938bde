// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "job/events.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/terminal/progress.hpp"

namespace ringtrain::launcher {

// How one set of ranks ended.
struct AttemptEnd {
  enum class Kind {
    finished,  // with a result
    stopped,   // as a signal told us to
    released,  // as we asked, to be started again on other hosts
    refused,   // job, data or arithmetic: it would end in the same way again
    lost,      // by anything else
  };
  Kind kind = Kind::lost;
  int exit_code = 4;
  std::string cause;  // one line; empty where finished or released
  std::optional<nlohmann::ordered_json> result;
};

struct AttemptOptions {
  bool keep_stdout = false;                 // for the result; what ranks print goes to stderr
  std::chrono::seconds start_timeout{300};  // from mpirun to the first step
  // With its line, as it came.
  std::function<void(const Event&, const std::string& line)> on_event = [](const Event&,
                                                                           const std::string&) {};
  // Asked a few times a second. Once true, the ranks are asked to end at their next checkpoint or
  // epoch.
  std::function<bool()> release = [] { return false; };
};

// Starts mpirun, relays progress and output, and returns when no process is left. A signal to us
// asks the ranks to write a checkpoint and end (SIGUSR2, which mpirun passes on), the second one
// ends them at once; so do we where they are silent for too long (patience.hpp), or a host of
// theirs is lost.
AttemptEnd attempt(const MpirunCommand& command, const AttemptOptions& options, Progress& progress,
                   StopSignals& stop);

}  // namespace ringtrain::launcher
