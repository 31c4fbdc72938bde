// SPDX-License-Identifier: Apache-2.0
// What the log of a job's launcher (`ringtrain run --events`) says about the training, as far as it
// has been read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "job/events.hpp"

namespace ringtrain::mpijob {

class TrainingLog {
 public:
  // A line as Kubernetes gives it with timestamps=true: a time, a space and what was written.
  void take(const std::string& line);

  // Of the newest start of the ranks; nothing before.
  const std::optional<StartedEvent>& started() const { return started_; }
  // Since that start.
  const std::optional<StepEvent>& step() const { return step_; }
  const std::optional<EpochEvent>& epoch() const { return epoch_; }
  std::optional<Time> step_at() const { return step_at_; }
  const std::optional<ResultEvent>& result() const { return result_; }
  const std::optional<FailureEvent>& failure() const { return failure_; }

  // Ranks have started and have neither failed nor finished since.
  bool is_training() const { return (started_ || step_) && !failure_ && !result_; }

  // Why the launcher ended: its own last line, or the failure of a rank. Empty: neither.
  std::string cause() const;

 private:
  std::optional<StartedEvent> started_;
  std::optional<StepEvent> step_;
  std::optional<EpochEvent> epoch_;
  std::optional<Time> step_at_;
  std::optional<ResultEvent> result_;
  std::optional<FailureEvent> failure_;
  std::string own_line_;
};

// "2026-11-25T00:33:15.123Z text": the time and what follows; no time where there is none.
struct StampedLine {
  std::optional<Time> time;
  std::string text;
};
StampedLine split_stamp(const std::string& line);

}  // namespace ringtrain::mpijob
