// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Returns the number of rows of each class, [classes], of a split. Reads and checks the labels, but
// no samples. Requires: a dataset with labels. Throws a data error that names a damaged file.
std::vector<uint64_t> class_counts(const DatasetIndex& index, Split split);

}  // namespace ringtrain::datasets
