// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/triggers.hpp"

namespace ringtrain {

CheckpointTriggers::CheckpointTriggers(const CheckpointSpec& spec, int64_t steps_per_epoch,
                                       int64_t step, Clock::time_point now)
    : spec_(spec), steps_per_epoch_(steps_per_epoch), step_(step), at_(now) {}

bool CheckpointTriggers::any() const {
  return spec_.every_epochs > 0 || spec_.every_steps > 0 || spec_.every_seconds > 0;
}

bool CheckpointTriggers::due(int64_t step, Clock::time_point now) const {
  const auto passed = [&](int64_t every) { return every > 0 && step / every > step_ / every; };
  return passed(spec_.every_steps) || passed(spec_.every_epochs * steps_per_epoch_) ||
         (spec_.every_seconds > 0 &&
          now - at_ >= std::chrono::duration<double>(spec_.every_seconds));
}

void CheckpointTriggers::taken(int64_t step, Clock::time_point now) {
  step_ = step;
  at_ = now;
}

}  // namespace ringtrain
