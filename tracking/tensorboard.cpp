// SPDX-License-Identifier: Apache-2.0
#include "tracking/tensorboard.hpp"

#include <chrono>
#include <variant>

#include "tracking/scalars.hpp"

namespace ringtrain::tracking {

void TensorBoard::take(const EventRecord& record) {
  const Time time = record.time.value_or(std::chrono::system_clock::now());
  const auto* const started = std::get_if<StartedEvent>(&record.event);
  const Scalars scalars = scalars_of(record.event);
  if (started == nullptr && scalars.values.empty()) return;
  if (!file_) file_.emplace(folder_, time);
  if (started != nullptr) {
    file_->restart(started->from_step + 1, time);
  } else {
    file_->add(scalars.step, scalars.values, time);
  }
}

}  // namespace ringtrain::tracking
