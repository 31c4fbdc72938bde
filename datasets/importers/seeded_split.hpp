// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Divides rows that come without a test split, by a seed.
class SeededSplit {
 public:
  // Requires: 0 < test_share < 1 and at least 2 rows (a data error otherwise).
  // Ensures: at least one row in either split.
  SeededSplit(uint64_t rows, double test_share, uint64_t seed);
  struct Place {
    Split split;
    uint64_t row;
  };
  // Returns the place of a row of the source.
  Place operator()(uint64_t row) const;
  uint64_t train_rows() const { return rows_ - test_rows_; }
  uint64_t test_rows() const { return test_rows_; }

 private:
  uint64_t rows_;
  uint64_t test_rows_;
  uint64_t key_;
};

}  // namespace ringtrain::datasets
