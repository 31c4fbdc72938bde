// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "serving/samples.hpp"

namespace ringtrain::serving {

// Reads the samples of a .npy file: one array of the model's shape, without the dimensions of size
// 1 if need be, or rows of such arrays; channels may come last. Numbers are not scaled: for a model
// of u8 samples they must be whole, from 0 to 255. Throws a data error that names the file.
std::vector<Sample> read_array(const std::filesystem::path& file,
                               const datasets::DatasetIndex& model);

}  // namespace ringtrain::serving
