// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "datasets/format/plan.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// Writes train_x.npy, train_y.npy, test_x.npy and test_y.npy to a directory (made when missing):
// features [rows, channels, height, width] in the dataset's type, labels int64, rows in the order
// in which they are stored. Every block is checked on its way. Throws a data error.
std::vector<std::filesystem::path> export_npy(const Plan& plan,
                                              const std::filesystem::path& directory,
                                              const Progress& progress = {});

}  // namespace ringtrain::datasets
