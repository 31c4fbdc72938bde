// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "job/events.hpp"

namespace ringtrain::tracking {

// Values that an event adds to the charts of a tracker.
struct Scalars {
  int64_t step = 0;
  std::vector<std::pair<std::string, double>> values = {};  // empty: nothing
};

// Names are those of the server's series: loss, samples_per_second, train_loss, test_loss,
// test_accuracy, learning_rate, step_seconds; of several targets also test_rmse/0 and so on.
Scalars scalars_of(const Event& event);

}  // namespace ringtrain::tracking
