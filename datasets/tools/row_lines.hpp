// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// True for samples that a person reads better than looks at: rows of a table, and whole numbers.
bool is_table(const DatasetIndex& index);

// Returns `rows` rows of a split, chosen by seed, as lines such as "train row 7 (cat): 1.5, 2", of
// many numbers the first few. Throws a data error.
std::vector<std::string> row_lines(const DatasetIndex& index, Split split, uint64_t rows,
                                   uint64_t seed);

}  // namespace ringtrain::datasets
