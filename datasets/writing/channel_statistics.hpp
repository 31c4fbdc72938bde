// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Mean and standard deviation per channel over rows that come in any order. u8: of x / 255, exact,
// in integers; f32: of x; i64: 0 and 1, as such samples are not normalised.
class ChannelStatistics {
 public:
  ChannelStatistics(ElementType element, const Shape& shape);

  // Adds a row, x [channels, height, width].
  // Thread: any thread may call it.
  void add(const std::byte* x);

  // Sets mean and std of the index, after `rows` rows. Throws a data error if a value is not
  // finite.
  void finish(uint64_t rows, DatasetIndex& index) const;

 private:
  struct Sums {
    uint64_t sum = 0;
    uint64_t squares = 0;
    double float_sum = 0;  // of value - shift: sums that are far smaller lose far fewer digits
    double float_squares = 0;
    double shift = 0;
  };
  void add_floats(const std::byte* x);

  ElementType element_;
  size_t pixels_;
  std::mutex mutex_;
  std::vector<Sums> channels_;
  bool shifted_ = false;
};

}  // namespace ringtrain::datasets
