// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/observe/history.hpp"
#include "runtime/observe/reporter.hpp"
#include "runtime/observe/stragglers.hpp"

namespace ringtrain {

struct Evaluation {
  double loss = 0;
  double accuracy = 0;  // 0 to 1
};

// Tells of a training run as it goes: steps to the reporter, a few times a second at most, epochs
// to the reporter and the history.
class Progress {
 public:
  // The sums that a resumed run goes on from, the same on every rank.
  struct Totals {
    int64_t epoch = -1;        // the one that the next two are of
    double epoch_loss = 0;     // over its samples so far
    double epoch_samples = 0;  // of its steps that were not skipped
    uint64_t samples_seen = 0;
  };

  // history: null on ranks other than 0.
  Progress(const Reporter& reporter, History* history, int64_t epochs, int64_t steps);

  void resume(const Totals& totals, int64_t step);
  void start();
  // loss: the sum over the step's `samples`, all ranks together.
  void step_done(int64_t epoch, int64_t step, double loss, uint64_t samples);
  void epoch_done(int64_t epoch, int64_t step, double learning_rate,
                  const std::optional<Evaluation>& evaluation,
                  const std::optional<RankSpeed>& slowest);
  void straggler(const RankSpeed& slow) const;
  // One that lies safe on the disk.
  void checkpoint_written(int64_t step, const std::string& path, uint64_t bytes, double seconds,
                          double pause) const;
  void log(const std::string& line) const { reporter_.log(line); }
  // An evaluation begins, of so many batches.
  void evaluating(int64_t batches) const {
    reporter_.event("evaluating", {{"batches", batches}}, "");
  }
  void warn(const std::string& line) const { reporter_.warn(line); }

  // Mean over the samples of the epoch under way, or of the last one.
  double train_loss() const {
    return totals_.epoch_samples > 0 ? totals_.epoch_loss / totals_.epoch_samples : 0;
  }
  uint64_t samples_seen() const { return totals_.samples_seen; }
  const Totals& totals() const { return totals_; }

 private:
  using Clock = std::chrono::steady_clock;

  void append_to_history(const nlohmann::ordered_json& line);

  const Reporter& reporter_;
  History* history_;
  int64_t epochs_;
  int64_t steps_;
  Totals totals_;
  // Since the last step that was told of.
  Clock::time_point told_at_;
  double loss_since_ = 0;
  uint64_t samples_since_ = 0;
  int64_t told_step_ = 0;
  Clock::time_point epoch_at_;
};

}  // namespace ringtrain
