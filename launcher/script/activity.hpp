// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace ringtrain::launcher {

// Whether a process and those below it do anything: they print, or use processor time.
class Activity {
 public:
  using Clock = std::chrono::steady_clock;

  Activity(pid_t root, std::chrono::milliseconds between_looks)
      : root_(root), between_looks_(between_looks) {}

  void printed() { since_ = Clock::now(); }
  // Returns for how long they have done nothing. Looks at processor time now and then.
  std::chrono::duration<double> silence();

 private:
  pid_t root_;
  std::chrono::milliseconds between_looks_;
  Clock::time_point since_ = Clock::now();
  Clock::time_point looked_at_ = since_;
  int64_t ticks_ = 0;
};

}  // namespace ringtrain::launcher
