// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Divides rows that come without a test split, by a seed: the same rows are always divided in the
// same way.
class SeededSplit {
 public:
  // Draws from all rows alike. Requires: 0 <= test_share < 1 (a job error otherwise) and at least 2
  // rows (a data error that names the source) unless it is 0, which makes no test row. Ensures: at
  // least one row in either split otherwise.
  SeededSplit(uint64_t rows, double test_share, uint64_t seed, const std::string& source);
  // Draws from each class in proportion to its rows, as closely as whole rows can, so that every
  // class keeps a training row. labels: of all rows. Takes 8 bytes a row.
  SeededSplit(std::span<const int64_t> labels, double test_share, uint64_t seed,
              const std::string& source);
  // Numbers the rows of each split in the order of the source. Takes 8 bytes a row.
  void keep_order();
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
  std::vector<uint64_t> places_;  // of a division by class: the row in its split; a bit for test
};

}  // namespace ringtrain::datasets
