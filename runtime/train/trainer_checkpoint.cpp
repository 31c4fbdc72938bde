// SPDX-License-Identifier: Apache-2.0
// Checkpoints, steps that are skipped, rollbacks, early ends. The loop itself is in trainer.cpp.
#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/averaging/model_buffers.hpp"
#include "runtime/train/stop_at.hpp"
#include "runtime/train/trainer.hpp"

namespace ringtrain {

void Trainer::take_checkpoint() {
  const Span span(parts_.trace, "checkpoint");
  report_ranks();
  average_batch_statistics(parts_.model, ranks());
  TrainingState state = state_;
  state.optimizer_steps = parts_.optimizer.steps();
  state.order_hash = global_order_hash();
  checkpoints_.take(parts_.trained(), state);
  if (done() || checkpoints_.stopping()) checkpoints_.report(/*wait=*/true);
}

void Trainer::skip_step() {
  ++state_.skipped_steps;
  const std::string& culprit = parts_.averager.culprit();
  const std::string cause = culprit.empty() ? "a gradient on another rank is"
                                            : fmt::format("the gradient of {} is", culprit);
  const std::string what = fmt::format("step {}: {} not finite", state_.step + 1, cause);
  if (++state_.skipped_in_a_row >= job_.max_skipped_steps) {
    throw training_error(
        fmt::format("{}, as in the {} before: lower the learning rate or set clip_norm", what,
                    counted(state_.skipped_in_a_row - 1, "step")));
  }
  progress_.warn(what + "; skipped on every rank");
}

// Training continues with the samples after the spike: most spikes come from certain samples
// meeting a certain state, so that these samples are not repeated (Chowdhery et al. 2022, 5.1).
void Trainer::roll_back(double loss) {
  parts_.schedule->drop();
  if (state_.step - state_.last_rollback_step > job_.rollback.window) state_.rollbacks_in_a_row = 0;
  state_.last_rollback_step = state_.step;
  ++state_.rollbacks;
  const std::string what = fmt::format(
      "step {}: loss spike: {:.4g} is more than {} times the median of {}", state_.step + 1, loss,
      job_.rollback.factor, counted(job_.rollback.window, "step"));
  if (++state_.rollbacks_in_a_row > job_.rollback.limit) {
    throw training_error(fmt::format("{}, after {}: lower the learning rate or set clip_norm", what,
                                     counted(job_.rollback.limit, "rollback")));
  }
  const Snapshot& snapshot = checkpoints_.last_snapshot();
  restore_snapshot(parts_.trained(), snapshot);
  parts_.optimizer.set_steps(snapshot.optimizer_steps);
  progress_.warn(
      fmt::format("{}; parameters rolled back to step {}, training continues with the "
                  "next samples",
                  what, checkpoints_.last_snapshot_step()));
}

void Trainer::end_if_asked(int64_t step) {
  if (!checkpoints_.finishing() || step >= length_.steps) return;
  progress_.log(
      fmt::format("asked to finish: training ends after step {} of {}", step, length_.steps));
  end_at(step);
}

// The first rank decides: a loss may differ in its last bit.
void Trainer::end_if_good_enough() {
  if (!has_goal(job_.stop_at) || state_.step >= length_.steps) return;
  const bool first = ranks().collectives().rank() == 0;
  std::array<double, 1> reached = {first && is_reached(job_.stop_at, *state_.tested) ? 1.0 : 0.0};
  ranks().all_reduce(reached);
  if (reached[0] == 0) return;
  progress_.log(fmt::format("stop_at is reached: training ends after step {} of {}", state_.step,
                            length_.steps));
  end_at(state_.step);
}

}  // namespace ringtrain
