// SPDX-License-Identifier: Apache-2.0
// The training loop. Set-up and result are in trainer_setup.cpp; checkpoints, skipped steps and
// rollbacks in trainer_checkpoint.cpp.
#include "runtime/train/trainer.hpp"

#include <utility>

#include "base/stopwatch.hpp"
#include "runtime/averaging/model_buffers.hpp"

namespace ringtrain {

Result Trainer::train() {
  progress_.start(job_.epochs, length_.steps);
  rank_times_.start();
  if (spikes_.enabled()) checkpoints_.snapshot(parts_.trained(), state_.step);
  while (!done() && !checkpoints_.stopping()) train_epoch();
  return result();
}

void Trainer::train_epoch() {
  begin_epoch();
  for (bool over = false; !over && !checkpoints_.stopping();) {
    over = train_until_checkpoint();
    if (over && !checkpoints_.stopping()) close_epoch();
    if (checkpoints_.checkpoint_due() || (done() && checkpoints_.regular())) take_checkpoint();
  }
}

// The position in the epoch is derived from the step.
void Trainer::begin_epoch() {
  progress_.begin_epoch();
  reader_.start(static_cast<uint64_t>(epoch()), length_.position(epoch(), state_.step));
  next_.reset();
}

// Trains until the epoch ends (returns true) or a checkpoint is due (false).
bool Trainer::train_until_checkpoint() {
  parts_.model.train(true);
  stragglers_.start(state_.step, seconds_now() - ranks().exposed_seconds());
  bool over = state_.step >= length_.steps;
  while (!over && !checkpoints_.checkpoint_due()) {
    over = train_next();
    report_if_due();
  }
  return over;
}

// Trains on the next batch. Returns whether the epoch ends with it.
bool Trainer::train_next() {
  const Stopwatch stopwatch(seconds_.compute);
  const double exposed_before = ranks().exposed_seconds();
  if (!next_) load_next();
  const auto batch = std::exchange(next_, std::nullopt);
  if (batch) train_step(*batch);
  seconds_.exposed_communication += ranks().exposed_seconds() - exposed_before;
  return !batch || length_.ends_epoch(state_.step);
}

void Trainer::load_next() {
  const datasets::Batch* batch = nullptr;
  {
    const Span phase(parts_.trace, "data wait");
    batch = reader_.next();
  }
  if (batch != nullptr) next_ = forward_backward_.load(*batch, epoch());
}

// A GPU alone starts the update of a step before the host waits for the step's loss, so that it is
// not idle meanwhile; it makes no update of gradients that are not finite. Returns false elsewhere.
bool Trainer::start_update() {
  if (!parts_.optimizer.starts_early()) return false;
  const int* unusable = parts_.averager.start_judging();
  if (unusable == nullptr) return false;
  parts_.optimizer.start(unusable, schedule_.learning_rate(state_.step));
  return true;
}

void Trainer::train_step(const LoadedBatch& batch) {
  const Span whole(parts_.trace, "step");
  AveragingStrategy& averaging = *parts_.averaging;
  const int64_t step = state_.step + 1;  // the one that ends here
  order_hash_ = reader_.order_hash();
  bool updated = false;
  const auto work_ahead = [&] {
    updated = start_update();
    if (parts_.device.runs_behind() && !length_.ends_epoch(step)) load_next();
  };
  unsummed_.loss += forward_backward_.run(
      batch, epoch(), averaging.samples_in_mean(batch.rows, batch.global_rows), work_ahead);
  unsummed_.samples += batch.global_rows;

  std::optional<LossSum> summed;  // over all ranks, in steps in which they agree
  const auto agree_on_sum = [&](const auto& sum) { summed = agree(sum); };
  Span phase(parts_.trace, "agree");
  if (!averaging.finish_gradients(agree_on_sum)) {
    if (updated) parts_.optimizer.take_back();
    skip_step();
    summed.reset();
  } else if (summed && spikes_.is_spike(summed->mean(), state_.losses)) {
    roll_back(summed->mean());
    summed.reset();
  } else {
    phase.next("optimizer");
    const double learning_rate = schedule_.learning_rate(state_.step);
    if (!updated) parts_.optimizer.step(*parts_.schedule, learning_rate);
    state_.skipped_in_a_row = 0;
  }
  averaging.finish_step(step, length_.ends_epoch(step), agree_on_sum);
  if (summed) {
    state_.totals.add(epoch(), summed->loss, summed->samples);
    progress_.step_done(epoch(), step, summed->loss, summed->samples);
  }
  end_if_asked(step);
  state_.step = step;
}

// Agrees with the other ranks, in a sum that the step makes anyway: on its loss, on a checkpoint,
// and on who is slow. Returns the loss of all ranks since they last agreed.
Trainer::LossSum Trainer::agree(const AveragingStrategy::Sum& sum) {
  SumSlots slots;
  const auto loss = slots.add("loss", unsummed_.loss);
  checkpoints_.add_slots(state_.step + 1, slots);
  stragglers_.add_slots(state_.step + 1, seconds_now() - ranks().exposed_seconds(), slots);
  sum(slots);
  stragglers_.read_slots(slots);
  checkpoints_.read_slots(slots);
  return {.loss = slots[loss], .samples = std::exchange(unsummed_, {}).samples};
}

void Trainer::close_epoch() {
  const int64_t every = job_.evaluate_every_epochs;
  const bool due = state_.step == length_.steps || (every > 0 && (epoch() + 1) % every == 0);
  state_.tested.reset();
  if (due && evaluator_.has_samples()) {
    state_.tested = evaluate();
    if (checkpoints_.stopping()) return;  // it may be incomplete; a resumed run evaluates again
    end_if_asked(state_.step);
    end_if_good_enough();
  }
  progress_.epoch_done(epoch(), state_.step, schedule_.learning_rate(state_.step - 1),
                       state_.totals, state_.tested, stragglers_.slowest_of_epoch());
  state_.closed_step = state_.step;
}

Evaluation Trainer::evaluate() {
  const Stopwatch stopwatch(seconds_.evaluate);
  const Span span(parts_.trace, "evaluation");
  progress_.evaluating(evaluator_.batches());
  average_batch_statistics(parts_.model, ranks());
  const auto stop = [this] { return checkpoints_.stop_requested_here(); };
  return evaluator_.run(stop, [this](SumSlots& slots) {
    checkpoints_.add_slots(state_.step, slots);
    ranks().all_reduce(slots.values());
    checkpoints_.read_slots(slots);
  });
}

}  // namespace ringtrain
