// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

// Sets mean and std of each target over the training rows, and its range over all rows; a constant
// target's std is 1. train, test: [rows, targets], finite, for the names in index.targets. Throws a
// data error if the spread of a target is no float.
void set_target_statistics(std::span<const float> train, std::span<const float> test,
                           DatasetIndex& index);

}  // namespace ringtrain::datasets
