// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// Writes train_x.npy, train_y.npy, test_x.npy and test_y.npy to a directory, which is made if it is
// missing: features [rows, channels, height, width] in the dataset's type, labels int64 or targets
// f32 [rows, targets], rows in the order in which they are stored. Checks every block on its way.
// Replaces files that are there. Returns the files written.
std::vector<std::filesystem::path> export_npy(const DatasetIndex& index,
                                              const std::filesystem::path& directory,
                                              const Progress& progress = {});

// Returns the files that export_npy() would write.
std::vector<std::filesystem::path> export_paths(const DatasetIndex& index,
                                                const std::filesystem::path& directory);

}  // namespace ringtrain::datasets
