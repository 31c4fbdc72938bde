// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "job/events.hpp"
#include "launcher/supervise/hang_detector.hpp"

namespace ringtrain::launcher {

// Follows the steps of ranks that train a model by their events.
class TrainingWatch {
 public:
  using TimePoint = HangDetector::TimePoint;

  TrainingWatch(TimePoint now, std::chrono::seconds start_timeout)
      : hang_detector_(now, start_timeout) {}

  void on(const StartedEvent& started, TimePoint now);
  void on(const StepEvent& step, TimePoint now);
  void on(const EpochEvent& epoch, TimePoint now);
  void on(const CheckpointEvent& checkpoint, TimePoint now);
  void on(const StoppedEvent& stopped) { step_ = stopped.step; }
  void on(const EvaluatingEvent& evaluating, TimePoint now);

  // "hang: no progress for 20.1 s", where that is longer than it may be.
  std::optional<std::string> hang(TimePoint now) const;
  // ", after step 30 of 100"
  std::string at_step() const;

 private:
  HangDetector hang_detector_;
  int64_t step_ = 0;
  int64_t steps_ = 0;
};

}  // namespace ringtrain::launcher
