// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "job/events.hpp"
#include "runtime/observe/stragglers.hpp"

namespace ringtrain {

// Says when the event `ranks` is due, a second after the first step and every 10 s, and fills in
// what is new since the last one.
// Thread: one at a time.
class RankTimes {
 public:
  using Clock = std::chrono::steady_clock;

  // Called before any step.
  void start(Clock::time_point now = Clock::now());
  bool is_due(Clock::time_point now = Clock::now()) const { return now >= due_; }
  // Completes an event that has the counts and the seconds so far: each rank's seconds a step, and
  // shares of the time since the last one.
  RanksEvent take(RanksEvent so_far, Stragglers& stragglers, Clock::time_point now = Clock::now());

 private:
  Clock::time_point due_;
  Clock::time_point at_;  // of the last event
  Seconds seconds_;       // then
};

}  // namespace ringtrain
