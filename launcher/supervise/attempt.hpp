// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

#include "launcher/supervise/attempt_end.hpp"
#include "launcher/supervise/clock.hpp"
#include "launcher/supervise/ranks.hpp"
#include "launcher/supervise/run_observer.hpp"

namespace ringtrain::launcher {

// Ranks that run a script instead of training a model.
struct ScriptTerms {
  std::chrono::seconds hang_timeout{0};  // from their silence to their end; 0: they are only named
  // Whether there is a newer checkpoint than when it was asked before.
  std::function<bool()> has_progressed = [] { return false; };
};

struct AttemptOptions {
  std::chrono::seconds start_timeout{300};  // from mpirun to the first step
  // Called with each event before the observer.
  std::function<void(const Event& event)> on_event = [](const Event&) {};
  // Asked a few times a second whether more ranks could run. Once true, the ranks are asked to end
  // at their next checkpoint or epoch.
  std::function<bool()> can_grow = [] { return false; };
  int ranks = 1;
  const ScriptTerms* script = nullptr;  // of a script; null: of a model
};

// Watches ranks until no process of them is left. A request to stop asks them to write a checkpoint
// and end (SIGUSR2, which mpirun passes on), the second one kills them; so does a hang
// (hang_detector.hpp) or a lost host.
AttemptEnd attempt(Ranks& ranks, const AttemptOptions& options, Clock& clock,
                   RunObserver& observer);

}  // namespace ringtrain::launcher
