// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/importers/images.hpp"

namespace ringtrain::datasets {

// Archives of images with labels beside them, as WebDataset has them
// (https://github.com/webdataset/webdataset): files that follow each other and have the same path
// up to the first dot of its name are one sample, "0001.jpg" and "0001.cls".
struct ShardSources {
  std::vector<std::filesystem::path> train;
  std::vector<std::filesystem::path> test;  // else a share of the training rows, drawn by seed
  std::string label_suffix = "cls";         // of the file whose text is the label
  ImageSources images;  // size, channels, fit, test_share, skip_broken; path: for messages
};

// Imports the samples of all shards, in the order in which they lie there. Throws a data error that
// names shard and sample: a sample without its image or label, two of them, a damaged archive, and
// those of import_images().
ImportedImages import_shards(const ShardSources& given, const std::filesystem::path& destination,
                             const ImportOptions& options);

// Returns the files that a pattern names: itself, or what matches its * ? [] and {000..012}, in the
// order of their names. Throws a data error if there is none.
std::vector<std::filesystem::path> expand_shards(const std::string& pattern);

}  // namespace ringtrain::datasets
