// SPDX-License-Identifier: Apache-2.0
// What a training run keeps to go on from, and what it does with numbers that go wrong; the loop
// itself is in trainer.cpp.
#include <fmt/format.h>

#include "base/error.hpp"
#include "runtime/train/trainer.hpp"

namespace ringtrain {

Trained Trainer::trained() {
  return {.model = model_,
          .layout = layout_,
          .buckets = buckets_,
          .communicator = *communicator_,
          .exchange = exchange_,
          .optimizer = optimizer_,
          .device = device_};
}

TrainingState Trainer::state() {
  return {.step = step_,
          .closed_step = closed_step_,
          .optimizer_steps = optimizer_.steps(),
          .skipped_steps = skipped_,
          .skipped_in_a_row = skipped_in_a_row_,
          .rollbacks = rollbacks_,
          .rollbacks_in_a_row = rollbacks_in_a_row_,
          .last_rollback_step = last_rollback_step_,
          .order_hash = global_order_hash(),
          .totals = progress_.totals(),
          .losses = losses_.losses(),
          .tested = evaluation_};
}

void Trainer::take_checkpoint() {
  const Span span(trace_, "checkpoint");
  average_local_statistics();
  checkpoints_.take(trained(), state());
  if (done() || checkpoints_.stopping()) checkpoints_.report(/*wait=*/true);
}

void Trainer::resume(const ResumePoint& point) {
  // Under local SGD every rank is the first of its own communicator.
  const bool first = (local_sgd_ ? local_sgd_->ranks() : *communicator_).is_first();
  Snapshot snapshot;
  if (first && !point.weights.empty()) {
    try {
      snapshot =
          snapshot_from(point.weights, point.optimizer, optimizer_.state_names(), model_, layout_);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      throw job_error(fmt::format(
          "checkpoint.resume: {} does not fit the model {}: {}: set checkpoint.resume=never or "
          "another output",
          point.path.string(), job_.model, error.what()));
    }
  }
  if (!local_sgd_ || first) restore_snapshot(trained(), snapshot);
  if (local_sgd_) spread_first_rank();

  const TrainingState& state = point.state;
  step_ = state.step;
  closed_step_ = state.closed_step;
  optimizer_.set_steps(state.optimizer_steps);
  skipped_ = state.skipped_steps;
  skipped_in_a_row_ = state.skipped_in_a_row;
  rollbacks_ = state.rollbacks;
  rollbacks_in_a_row_ = state.rollbacks_in_a_row;
  last_rollback_step_ = state.last_rollback_step;
  losses_.set_losses(state.losses);
  evaluation_ = state.tested;
  resumed_from_ = state.step;
  samples_before_ = state.totals.samples_seen;
  if (first) order_hash_before_ = state.order_hash;
  progress_.resume(state.totals, state.step);
  checkpoints_.resume(point.path, state.step);
}

void Trainer::note_skipped_step() {
  ++skipped_;
  const std::string& culprit = averager_.culprit();
  const std::string cause = culprit.empty() ? "a gradient on another rank is"
                                            : fmt::format("the gradient of {} is", culprit);
  const std::string what = fmt::format("step {}: {} not finite", step_ + 1, cause);
  if (++skipped_in_a_row_ >= job_.max_skipped_steps) {
    throw training_error(
        fmt::format("{}, as in the {} steps before: lower the learning rate or set clip_norm", what,
                    skipped_in_a_row_ - 1));
  }
  progress_.warn(what + "; skipped on every rank");
}

// The samples of the spike are behind us and do not come again: most spikes come of the meeting of
// certain samples with a certain state (Chowdhery et al. 2022, 5.1).
void Trainer::roll_back(double loss) {
  for (size_t b = 0; b < buckets_.size(); ++b) averager_.wait(b);  // unused
  if (step_ - last_rollback_step_ > job_.rollback.window) rollbacks_in_a_row_ = 0;
  last_rollback_step_ = step_;
  ++rollbacks_;
  const std::string what =
      fmt::format("step {}: the loss leapt to {:.4g}, above {} times the median of {} steps",
                  step_ + 1, loss, job_.rollback.factor, job_.rollback.window);
  if (++rollbacks_in_a_row_ > job_.rollback.limit) {
    throw training_error(
        fmt::format("{}, after {} rollbacks: lower the learning rate or set clip_norm", what,
                    job_.rollback.limit));
  }
  const Snapshot& snapshot = checkpoints_.snapshot();
  restore_snapshot(trained(), snapshot);
  optimizer_.set_steps(snapshot.optimizer_steps);
  progress_.warn(fmt::format("{}; parameters are back at step {}, the samples are not", what,
                             checkpoints_.snapshot_step()));
}

}  // namespace ringtrain
