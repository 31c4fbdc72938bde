// SPDX-License-Identifier: Apache-2.0
// Files as samples of a model, before normalisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/resize.hpp"

namespace ringtrain::serving {

// A sample with its name for people: [channels, height, width] elements of the model's type.
struct Sample {
  std::string name;
  std::vector<std::byte> bytes;
};

// Reads the samples of a file by its name's ending: one of a .jpg, .jpeg or .png, decoded and
// fitted to the model's size as `ringtrain dataset import images` does, one or many of a .npy.
// `model`: shape and element of the samples. Throws a data error that names the file.
std::vector<Sample> read_samples(const std::filesystem::path& file,
                                 const datasets::DatasetIndex& model, datasets::Fit fit);

// Reads a row of a dataset, named "FILE test 7: LABEL". Throws a data error if the row is not there
// or its samples are not the model's.
Sample read_row(const datasets::DatasetIndex& dataset, datasets::Split split, uint64_t row,
                const datasets::DatasetIndex& model);

}  // namespace ringtrain::serving
