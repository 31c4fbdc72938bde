// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "runtime/observe/training_totals.hpp"

namespace ringtrain {

// State of a training run, besides that of its model and its optimizer. The order of the samples,
// their augmentation, the learning rate and random numbers are pure functions of the seed and of
// `step`, so they need no state of their own.
struct TrainingState {
  int64_t step = 0;  // number of steps done, skipped ones included
  // The step after which an epoch was last closed: evaluated and written to the history. Equal to
  // `step` at the end of an epoch, unless the job was stopped before the evaluation.
  int64_t closed_step = 0;
  int64_t optimizer_steps = 0;
  int64_t skipped_steps = 0;
  int64_t skipped_in_a_row = 0;
  int64_t rollbacks = 0;
  int64_t rollbacks_in_a_row = 0;
  int64_t last_rollback_step = 0;
  uint64_t order_hash = 0;           // over all ranks, up to the checkpoint
  TrainingTotals totals;             // losses and samples
  std::vector<double> losses;        // window of the loss spike detector, oldest first
  std::optional<Evaluation> tested;  // the last evaluation

  // The epoch that the run is in. An epoch whose steps are done lasts until it is closed.
  int64_t epoch(int64_t steps_per_epoch) const {
    const bool waits_for_its_end = step > closed_step && step % steps_per_epoch == 0;
    return step / steps_per_epoch - (waits_for_its_end ? 1 : 0);
  }
  // The first step whose line in the history is still to be written, by a job of `steps`: lines are
  // those of whole epochs, but max_steps may have ended one in the middle, which now goes further.
  int64_t first_open_step(int64_t steps_per_epoch, int64_t steps) const {
    if (step < steps) return epoch(steps_per_epoch) * steps_per_epoch + 1;
    return closed_step == step ? step + 1 : step;
  }
  // The last evaluation, if it is one of this state.
  std::optional<Evaluation> evaluation() const {
    return closed_step == step ? tested : std::nullopt;
  }
};

// Numbers keep all their bits, also those that are not finite.
nlohmann::ordered_json to_json(const TrainingState& state);
// Throws a data error if a field is missing or makes no sense.
TrainingState training_state_from(const nlohmann::ordered_json& value);

}  // namespace ringtrain
