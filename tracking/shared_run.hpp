// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>

#include "job/outcome_file.hpp"
#include "tracking/job_figures.hpp"

namespace ringtrain::tracking {

// Prints "ringtrain: warning: TEXT" on stderr.
inline void warn(const std::string& text) {
  std::fputs(("ringtrain: warning: " + text + "\n").c_str(), stderr);
}

// The state of a run for the threads of a tracker.
class SharedRun {
 public:
  void take(const EventRecord& record) {
    const std::lock_guard lock(mutex_);
    figures_.take(record);
  }
  JobFigures figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
  }
  void end(const Outcome& outcome) {
    {
      const std::lock_guard lock(mutex_);
      outcome_ = outcome;
    }
    ended_.notify_all();
  }
  // Returns how the run ended, once it has; waits for that up to `pause`.
  std::optional<Outcome> wait(std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, pause, [this] { return outcome_.has_value(); });
    return outcome_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  JobFigures figures_;
  std::optional<Outcome> outcome_;
};

}  // namespace ringtrain::tracking
