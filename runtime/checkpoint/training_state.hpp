// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "runtime/observe/progress.hpp"

namespace ringtrain {

// Where a training run stands, apart from what its model and its optimizer hold. The order of the
// samples, their augmentation, the learning rate and random numbers are pure functions of the seed
// and of `step`, so they need no state of their own.
struct TrainingState {
  int64_t step = 0;  // steps done, skipped ones included
  // The step after which an epoch was last closed: evaluated, and told of in the history. Equal to
  // `step` at the end of an epoch, except where the job was stopped before the evaluation.
  int64_t closed_step = 0;
  int64_t optimizer_steps = 0;
  int64_t skipped_steps = 0;
  int64_t skipped_in_a_row = 0;
  int64_t rollbacks = 0;
  int64_t rollbacks_in_a_row = 0;
  int64_t last_rollback_step = 0;
  uint64_t order_hash = 0;           // over all ranks
  Progress::Totals totals;           // losses and samples
  std::vector<double> losses;        // of the last steps, where rollback watches them
  std::optional<Evaluation> tested;  // of the last evaluation

  // The first step whose line in the history is still to be written.
  int64_t first_open_step() const { return closed_step == step ? step + 1 : step; }
  // What the last evaluation says of this very state, if it does.
  std::optional<Evaluation> evaluation() const {
    return closed_step == step ? tested : std::nullopt;
  }
};

// Numbers keep all their bits, also those that are not finite.
nlohmann::ordered_json to_json(const TrainingState& state);
// Throws a data error where a field is missing or makes no sense.
TrainingState training_state_from(const nlohmann::ordered_json& value);

}  // namespace ringtrain
