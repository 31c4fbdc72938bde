// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/observe/history.hpp"
#include "runtime/observe/reporter.hpp"

namespace ringtrain {

struct Evaluation {
  double loss = 0;
  double accuracy = 0;  // 0 to 1
};

// Tells of a training run as it goes: steps to the reporter, a few times a second at most, epochs
// to the reporter and the history.
class Progress {
 public:
  // history: null on ranks other than 0.
  Progress(const Reporter& reporter, History* history, int64_t epochs, int64_t steps);

  void start();
  // loss: the sum over the step's `samples`, all ranks together.
  void step_done(int64_t epoch, int64_t step, double loss, uint64_t samples);
  void epoch_done(int64_t epoch, int64_t step, double learning_rate,
                  const std::optional<Evaluation>& evaluation);
  void warn(const std::string& line) const { reporter_.warn(line); }

  // Mean over the samples of the epoch under way, or of the last one.
  double train_loss() const { return epoch_samples_ > 0 ? epoch_loss_ / epoch_samples_ : 0; }
  uint64_t samples_seen() const { return samples_seen_; }

 private:
  using Clock = std::chrono::steady_clock;

  const Reporter& reporter_;
  History* history_;
  int64_t epochs_;
  int64_t steps_;
  int64_t epoch_ = -1;
  double epoch_loss_ = 0;
  double epoch_samples_ = 0;
  uint64_t samples_seen_ = 0;
  // Since the last step that was told of.
  Clock::time_point told_at_;
  double loss_since_ = 0;
  uint64_t samples_since_ = 0;
  int64_t told_step_ = 0;
  Clock::time_point epoch_at_;
};

}  // namespace ringtrain
