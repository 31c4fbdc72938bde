// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <span>

namespace ringtrain {

// The time at which a wait is given up.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(std::chrono::duration<double> from_now)
      : at_(Clock::now() + std::chrono::duration_cast<Clock::duration>(from_now)) {}
  bool passed() const { return Clock::now() >= at_; }
  // Time left, rounded up; 0 once it has passed.
  std::chrono::milliseconds left() const {
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()));
  }

 private:
  Clock::time_point at_;
};

// Blocks until a descriptor is ready, and returns true; false at the deadline. Signals do not end
// the wait. Throws std::system_error.
bool poll_until(std::span<pollfd> events, const Deadline& deadline);

}  // namespace ringtrain
