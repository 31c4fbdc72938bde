// SPDX-License-Identifier: Apache-2.0
// Imports the IDX files of MNIST and its relatives (http://yann.lecun.com/exdb/mnist): unsigned
// bytes, big-endian header, plain or gzipped.
#pragma once

#include <filesystem>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/byte_source.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::datasets {

struct IdxSources {
  ByteSource& train_images;
  ByteSource& train_labels;
  ByteSource* test_images = nullptr;  // both or none
  ByteSource* test_labels = nullptr;
  double test_share = 0.1;  // of the training images, drawn by seed, if there are no test images
};

// Streams the images to a new dataset at `destination`. Throws a data error if a header promises
// more than its source can hold (before anything is allocated), images and labels differ in number,
// or bytes are left over.
DatasetIndex import_idx(const IdxSources& sources, const std::filesystem::path& destination,
                        const ImportOptions& options);

}  // namespace ringtrain::datasets
