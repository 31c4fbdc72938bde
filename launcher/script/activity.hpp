// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace ringtrain::launcher {

// Whether a process and those below it do anything: they print, use processor time, or are ready to
// and get no core. Time in which nobody looks does not count either: the whole machine may have
// stood still, or given its cores to others.
class Activity {
 public:
  using Clock = std::chrono::steady_clock;

  Activity(pid_t root, std::chrono::milliseconds between_looks)
      : root_(root), between_looks_(between_looks) {}

  void printed() { since_ = Clock::now(); }
  // Returns for how long they have done nothing. Looks at them every between_looks: call it as
  // often.
  std::chrono::duration<double> silence();

 private:
  pid_t root_;
  std::chrono::milliseconds between_looks_;
  Clock::time_point since_ = Clock::now();
  Clock::time_point looked_at_ = since_;
  int64_t ticks_ = 0;
  bool was_ready_ = false;
};

}  // namespace ringtrain::launcher
