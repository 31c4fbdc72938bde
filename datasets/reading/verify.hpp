// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "datasets/format/dataset_index.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// Reads every block of the dataset and checks it, with a thread for every core. Throws a data error
// that names file, split and rows.
void verify(const DatasetIndex& index, const Progress& progress = {});

}  // namespace ringtrain::datasets
