// SPDX-License-Identifier: Apache-2.0
// Keras' .h5 files (its "legacy HDF5 format"): the architecture as JSON, and the weights of each
// layer. https://github.com/keras-team/keras, keras/src/legacy/saving/legacy_h5_format.py
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ringtrain::model_files::keras {

struct H5Weight {
  std::string name;  // of its dataset, inside the layer's group: "sequential/dense/kernel"
  std::vector<int64_t> shape;
  std::vector<float> numbers;
};

struct H5Layer {
  std::string name;
  std::vector<H5Weight> weights;
};

struct H5File {
  std::string model_config;
  std::string keras_version;
  std::string backend;
  std::vector<H5Layer> layers;
};

// Reads a file that may hold anything: libhdf5 runs in a child process of limited memory, and what
// comes back is checked. Links to elsewhere and external data are refused. Throws a data error that
// names the file.
// Requires: this process has no other threads.
H5File read_h5(const std::filesystem::path& path);

// Writes a file, whole or not at all. Throws an io or data error.
void write_h5(const std::filesystem::path& path, const H5File& file);

}  // namespace ringtrain::model_files::keras
