// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace ringtrain::server {

// Measures what a change of ranks costs: from the request to the first step on the new ones.
class RestartClock {
 public:
  using Clock = std::chrono::steady_clock;

  // `attempt`: the one that is asked to end.
  void begin(int attempt, Clock::time_point now = Clock::now()) {
    attempt_ = attempt;
    began_at_ = now;
  }
  // A step of an attempt is reported.
  void end(int attempt, Clock::time_point now = Clock::now()) {
    if (attempt_ == 0 || attempt <= attempt_) return;
    seconds_ = std::chrono::duration<double>(now - began_at_).count();
    attempt_ = 0;
  }

  // The cost of the last change; before a first one, the median of scripts/soak.
  double seconds() const { return seconds_; }

 private:
  int attempt_ = 0;  // 0: no change is under way
  Clock::time_point began_at_{};
  double seconds_ = 3.5;
};

}  // namespace ringtrain::server
