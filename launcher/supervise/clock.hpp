// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace ringtrain::launcher {

// Time, and the requests to stop that may come meanwhile. Tests simulate both.
class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  virtual ~Clock() = default;

  virtual TimePoint now() = 0;
  // Waits, and returns the signal that cut it short, or 0. A request is returned once; with no time
  // to wait, one that has come already.
  virtual int wait_for_stop(std::chrono::milliseconds time) = 0;
};

}  // namespace ringtrain::launcher
