// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/progress.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "job/event_lines.hpp"

namespace ringtrain {
namespace {

constexpr std::chrono::milliseconds kBetweenReports(250);

}  // namespace

void Progress::resume(int64_t step) { reported_step_ = step; }

void Progress::start(int64_t epochs, int64_t steps) {
  epochs_ = epochs;
  steps_ = steps;
  trains_since_ = epoch_began_at_ = Clock::now();
}

void Progress::begin_epoch() { epoch_began_at_ = Clock::now(); }

void Progress::step_done(int64_t epoch, int64_t step, double loss, uint64_t samples) {
  loss_since_ += loss;
  samples_since_ += samples;

  const Clock::time_point now = Clock::now();
  time_since_ += now - std::exchange(trains_since_, now);
  if (time_since_ < kBetweenReports) return;
  const double seconds = std::chrono::duration<double>(time_since_).count();
  const double rate = static_cast<double>(samples_since_) / seconds;
  const double left =
      seconds / static_cast<double>(step - reported_step_) * static_cast<double>(steps_ - step);
  reporter_.event(StepEvent{.epoch = epoch + 1,
                            .epochs = epochs_,
                            .step = step,
                            .steps = steps_,
                            .loss = loss_since_ / static_cast<double>(samples_since_),
                            .samples_per_second = rate,
                            .seconds_left = left},
                  "");
  if (!reporter_.quiet() && core_wait_.watches()) warn_of_core_wait();
  reported_step_ = step;
  time_since_ = {};
  loss_since_ = 0;
  samples_since_ = 0;
}

void Progress::warn_of_core_wait() {
  if (const auto share = core_wait_.update(read_thread_times())) {
    warn(fmt::format(
        "rank 0 waited for a core {:.0f}% of the time: other processes use them, or there are more "
        "ranks and threads than cores",
        100 * *share));
  }
}

void Progress::epoch_done(int64_t epoch, int64_t step, double learning_rate,
                          const TrainingTotals& totals, const std::optional<Evaluation>& evaluation,
                          const std::optional<RankSpeed>& slowest) {
  const double seconds = std::chrono::duration<double>(Clock::now() - epoch_began_at_).count();
  EpochEvent done{.epoch = epoch + 1,
                  .epochs = epochs_,
                  .step = step,
                  .samples_seen = totals.samples_seen,
                  .learning_rate = learning_rate,
                  .train_loss = totals.train_loss(),
                  .seconds = seconds,
                  .slowest = slowest};
  if (evaluation) {
    done.test_loss = evaluation->loss;
    done.test_accuracy = evaluation->accuracy;
    done.test_rmse = evaluation->rmse;
    done.test_mae = evaluation->mae;
  }
  append_to_history(done);
  std::string text = fmt::format("epoch {}/{}: step {}, train loss {:.4f}", epoch + 1, epochs_,
                                 step, totals.train_loss());
  if (evaluation) {
    text += fmt::format(", test loss {:.4f}, {}", evaluation->loss,
                        metrics_text(evaluation->accuracy, evaluation->rmse, evaluation->mae));
  }
  reporter_.event(done, text + fmt::format(", {:.1f} s", seconds));
  // The time of the evaluation is no training time. Short epochs are reported in one with others.
  trains_since_ = Clock::now();
}

void Progress::straggler(const RankSpeed& slow) const {
  warn(fmt::format(
      "rank {} on {} is slow: its own part of a step takes {:.2g} s, the others' {:.2g} s",
      slow.rank, slow.host, slow.seconds, slow.median));
}

void Progress::checkpoint_written(int64_t step, const std::string& path, uint64_t bytes,
                                  double seconds, double pause) const {
  reporter_.event(
      CheckpointEvent{
          .step = step, .path = path, .bytes = bytes, .seconds = seconds, .pause = pause},
      fmt::format("checkpoint {}: {} in {:.2f} s, training paused for {:.3f} s", path,
                  print_size(bytes), seconds, pause));
}

// A full disk must not end a training run that needs it for its history alone.
void Progress::append_to_history(const EpochEvent& epoch) {
  if (history_ == nullptr) return;
  try {
    history_->append(print_history_line(epoch));
  } catch (const Error& error) {
    warn(fmt::format("{}; training continues", error.what()));
  }
}

}  // namespace ringtrain
