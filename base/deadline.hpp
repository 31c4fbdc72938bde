// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ringtrain {

// The time at which a wait for others is given up.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(std::chrono::duration<double> from_now)
      : at_(Clock::now() + std::chrono::duration_cast<Clock::duration>(from_now)) {}
  bool passed() const { return Clock::now() >= at_; }
  // Milliseconds that are left, rounded up; 0 once it has passed. At most a minute: callers loop.
  int milliseconds_left() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
  }

 private:
  Clock::time_point at_;
};

}  // namespace ringtrain
