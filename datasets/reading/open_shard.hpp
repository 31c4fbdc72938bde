// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "datasets/format/dataset_index.hpp"
#include "storage/source.hpp"

namespace ringtrain::datasets {

struct OpenedShard {
  DatasetIndex index;
  ShardPlace place;
};

// Makes an index of one file from its HDF5 datasets and attributes, without reading rows. Throws a
// data error that names the file. The second takes a file that is open; `path`: its absolute path
// or URL.
OpenedShard open_shard(const std::filesystem::path& path);
OpenedShard open_shard(const storage::Source& file, const std::string& path);

}  // namespace ringtrain::datasets
