// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/target_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/error.hpp"

namespace ringtrain::datasets {

void set_target_statistics(std::span<const float> train, std::span<const float> test,
                           DatasetIndex& index) {
  Targets& own = index.targets;
  const size_t count = own.names.size();
  for (size_t k = 0; k < count; ++k) {
    const size_t rows_of_train = train.size() / count;
    const auto rows = static_cast<double>(rows_of_train);
    double sum = 0;
    for (size_t i = k; i < train.size(); i += count) sum += train[i];
    const double mean = sum / rows;
    double squares = 0;
    for (size_t i = k; i < train.size(); i += count) {
      const double d = train[i] - mean;
      squares += d * d;
    }
    float least = train[k];
    float largest = train[k];
    for (const auto values : {train, test}) {
      for (size_t i = k; i < values.size(); i += count) {
        least = std::min(least, values[i]);
        largest = std::max(largest, values[i]);
      }
    }
    const auto std = static_cast<float>(std::sqrt(squares / rows));
    if (!std::isfinite(std)) {
      throw data_error(fmt::format("{}: the values of target {} lie too far apart for floats",
                                   index.source, own.names[k]));
    }
    own.mean.push_back(static_cast<float>(mean));
    own.std.push_back(std > 0 ? std : 1);
    own.least.push_back(least);
    own.largest.push_back(largest);
  }
}

}  // namespace ringtrain::datasets
