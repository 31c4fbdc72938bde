// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets {

struct OpenedShard {
  DatasetIndex index;
  ShardPlace place;
};

// Makes an index of one file from its HDF5 datasets and attributes, without reading rows. Throws a
// data error that names the file.
OpenedShard open_shard(const std::filesystem::path& path);

}  // namespace ringtrain::datasets
