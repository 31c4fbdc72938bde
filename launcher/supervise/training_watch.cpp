// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/training_watch.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace ringtrain::launcher {

void TrainingWatch::on(const StartedEvent& started, TimePoint now) {
  steps_ = started.steps;
  step_ = started.from_step;
  hang_detector_.started(step_, now);
}

void TrainingWatch::on(const StepEvent& step, TimePoint now) {
  step_ = step.step;
  steps_ = step.steps;
  hang_detector_.step(step.step, now);
}

void TrainingWatch::on(const EpochEvent& epoch, TimePoint now) {
  step_ = epoch.step;
  hang_detector_.step(epoch.step, now);
  if (epoch.step >= steps_ || epoch.epoch == epoch.epochs) hang_detector_.saving(now);
}

void TrainingWatch::on(const CheckpointEvent& checkpoint, TimePoint now) {
  // With fast steps, a checkpoint event can arrive before any step event.
  if (checkpoint.step <= step_) return;
  step_ = checkpoint.step;
  hang_detector_.step(step_, now);
}

void TrainingWatch::on(const EvaluatingEvent& evaluating, TimePoint now) {
  hang_detector_.evaluation(evaluating.batches, now);
}

std::optional<std::string> TrainingWatch::hang(TimePoint now) const {
  if (now < hang_detector_.deadline()) return std::nullopt;
  const auto silence = std::chrono::duration<double>(now - hang_detector_.reported_at());
  return fmt::format("hang: no progress for {}", print_seconds(silence.count()));
}

std::string TrainingWatch::at_step() const {
  if (steps_ == 0) return ", before the first step";
  return fmt::format(", after step {} of {}", print_count(static_cast<double>(step_)),
                     print_count(static_cast<double>(steps_)));
}

}  // namespace ringtrain::launcher
