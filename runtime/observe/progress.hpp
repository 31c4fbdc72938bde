// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/observe/core_wait.hpp"
#include "runtime/observe/history.hpp"
#include "runtime/observe/reporter.hpp"
#include "runtime/observe/stragglers.hpp"
#include "runtime/observe/training_totals.hpp"

namespace ringtrain {

// Reports the progress of a training run: steps to the reporter, a few times a second at most,
// epochs to the reporter and the history. Warns once if this process waits for cores.
class Progress {
 public:
  // history: null on ranks other than 0, and where none is kept.
  explicit Progress(const Reporter& reporter, History* history = nullptr)
      : reporter_(reporter), history_(history) {}

  // Continues a run that has done `step` steps.
  void resume(int64_t step);
  // Called before any step. epochs, steps: of the whole job.
  void start(int64_t epochs, int64_t steps);
  void begin_epoch();
  // epoch, here and below: from 0; reports count from 1. loss: summed over `samples`, of all ranks.
  void step_done(int64_t epoch, int64_t step, double loss, uint64_t samples);
  void epoch_done(int64_t epoch, int64_t step, double learning_rate, const TrainingTotals& totals,
                  const std::optional<Evaluation>& evaluation,
                  const std::optional<RankSpeed>& slowest);
  void straggler(const RankSpeed& slow) const;
  void ranks(const RanksEvent& ranks) const { reporter_.event(ranks, ""); }
  // The checkpoint is safe on disk.
  void checkpoint_written(int64_t step, const std::string& path, uint64_t bytes, double seconds,
                          double pause) const;
  // An evaluation of `batches` batches begins.
  void evaluating(int64_t batches) const {
    reporter_.event(EvaluatingEvent{.batches = batches}, "");
  }
  void log(const std::string& line) const { reporter_.log(line); }
  void warn(const std::string& line) const { reporter_.warn(line); }

 private:
  using Clock = std::chrono::steady_clock;

  void warn_of_core_wait();
  void append_to_history(const EpochEvent& epoch);

  const Reporter& reporter_;
  History* history_;
  int64_t epochs_ = 0;
  int64_t steps_ = 0;
  Clock::time_point epoch_began_at_;
  Clock::time_point trains_since_;  // the last step, or the end of an epoch after it
  // Since the last report of a step.
  int64_t reported_step_ = 0;
  Clock::duration time_since_{};  // of training alone, without evaluations
  double loss_since_ = 0;
  uint64_t samples_since_ = 0;
  CoreWait core_wait_;
};

}  // namespace ringtrain
