// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace ringtrain {

// When a wait for other ranks is given up.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(std::chrono::duration<double> from_now)
      : at_(Clock::now() + std::chrono::duration_cast<Clock::duration>(from_now)) {}
  bool passed() const { return Clock::now() >= at_; }

 private:
  Clock::time_point at_;
};

}  // namespace ringtrain
