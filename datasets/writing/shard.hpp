// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/format/progress.hpp"

namespace ringtrain::datasets {

// Cuts a dataset into `shards` files, part-00000-of-00004.h5 and so on, in a new directory. Each is
// a dataset of its own with the uuid of the whole; the directory opens as the whole again, with the
// same rows in the same order. Cuts lie between blocks. All or nothing: after an error the
// directory is gone. Throws a data error if there are fewer training blocks than shards, or the
// directory exists and is not empty.
std::vector<std::filesystem::path> shard_dataset(const DatasetIndex& whole,
                                                 const std::filesystem::path& directory,
                                                 uint32_t shards, const Progress& progress = {});

}  // namespace ringtrain::datasets
