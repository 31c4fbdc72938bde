// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ringtrain::launcher {

// Decides how long ranks may report nothing before they count as hung: 20 steps at this run's own
// pace, but at least 10 seconds; longer while no step can be expected.
class HangDetector {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Seconds = std::chrono::duration<double>;

  // start: from the start of mpirun to the first step, which reads libraries and the dataset.
  HangDetector(TimePoint now, Seconds start) : reported_at_(now), allowed_(start) {}

  // Ranks have started at this step.
  void started(int64_t step, TimePoint now);
  // This many steps are done.
  void step(int64_t step, TimePoint now);
  // An evaluation of so many batches begins; it ends with the next step or epoch.
  void evaluation(int64_t batches, TimePoint now);
  // The last step is done: the model is written.
  void saving(TimePoint now);

  TimePoint deadline() const {
    return reported_at_ + std::chrono::duration_cast<TimePoint::duration>(allowed_);
  }
  // Time of the last report of progress.
  TimePoint reported_at() const { return reported_at_; }

 private:
  Seconds median_step() const;
  Seconds for_steps() const;

  TimePoint reported_at_;
  Seconds allowed_;
  std::optional<int64_t> step_;
  std::vector<double> step_seconds_;  // of the latest steps, in no order
  size_t next_ = 0;
};

}  // namespace ringtrain::launcher
