// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "job/events.hpp"
#include "runtime/observe/stragglers.hpp"

namespace ringtrain {

// Makes the event that says how fast each rank is, every 10 seconds.
// Thread: one at a time.
class RankTimes {
 public:
  using Clock = std::chrono::steady_clock;
  // Seconds of this rank so far.
  struct Waits {
    double communication = 0;  // for other ranks
    double data = 0;
  };

  explicit RankTimes(Clock::time_point now = Clock::now()) : at_(now) {}

  // Returns the event once it is due and the ranks have summed their times since the last one.
  std::optional<RanksEvent> take(int64_t step, Stragglers& stragglers, const Waits& waits,
                                 Clock::time_point now = Clock::now());

 private:
  Clock::time_point at_;  // of the last event
  Waits waits_;           // then
};

}  // namespace ringtrain
