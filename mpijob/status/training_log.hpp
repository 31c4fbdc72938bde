// SPDX-License-Identifier: Apache-2.0
// State of a training, from the log of its launcher (`ringtrain run --events`) as far as it has
// been read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "job/events.hpp"

namespace ringtrain::mpijob {

class TrainingLog {
 public:
  // Takes a line as Kubernetes gives it with timestamps=true: a time, a space and the text.
  void take(const std::string& line);

  // The newest start of the ranks; nothing before it.
  const std::optional<StartedEvent>& started() const { return started_; }
  // Events since that start.
  const std::optional<StepEvent>& step() const { return step_; }
  const std::optional<EpochEvent>& epoch() const { return epoch_; }
  std::optional<Time> step_at() const { return step_at_; }
  const std::optional<ResultEvent>& result() const { return result_; }
  const std::optional<FailureEvent>& failure() const { return failure_; }

  // Returns whether ranks have started, and have neither failed nor finished since.
  bool is_training() const { return (started_ || step_) && !failure_ && !result_; }

  // Returns why the launcher ended: its own last line, or the failure of a rank. Empty: neither.
  std::string cause() const;

 private:
  void take_end(const RankEndedEvent& ended);

  std::optional<StartedEvent> started_;
  std::optional<StepEvent> step_;
  std::optional<EpochEvent> epoch_;
  std::optional<Time> step_at_;
  std::optional<ResultEvent> result_;
  std::optional<FailureEvent> failure_;
  std::string own_line_;
};

// A line such as "2026-11-25T00:33:15.123Z text", taken apart. `time` is empty where there is none.
struct StampedLine {
  std::optional<Time> time;
  std::string text;
};
StampedLine split_stamp(const std::string& line);

}  // namespace ringtrain::mpijob
