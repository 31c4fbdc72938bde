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

// Writes the training rows in the order in which they are stored as 0.npz, 1.npz and so on to a
// directory, which is made if it is missing: `parts` archives of as many rows as possible each,
// the same number in all; fewer than `parts` rows at the end are left out. Their arrays are x
// [rows, height, width], or [rows, channels, height, width] of several channels, and y, as in
// export_npy(). Checks every block, and holds one part in memory. Replaces files that are there.
// Throws a job error for fewer rows than parts. Returns the files written.
std::vector<std::filesystem::path> export_npz(const DatasetIndex& index,
                                              const std::filesystem::path& directory,
                                              uint64_t parts, const Progress& progress = {});

// Returns the files that export_npy() would write.
std::vector<std::filesystem::path> export_paths(const DatasetIndex& index,
                                                const std::filesystem::path& directory);
// The same of export_npz().
std::vector<std::filesystem::path> npz_paths(const std::filesystem::path& directory,
                                             uint64_t parts);

}  // namespace ringtrain::datasets
