// SPDX-License-Identifier: Apache-2.0
// Creates the HDF5 structure of a dataset file: groups, datasets with their space allocated,
// attributes. Rows are then written by offset, without libhdf5.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/writing/hdf5_handle.hpp"

namespace ringtrain::datasets {

class Hdf5FileWriter {
 public:
  // Lays out a new file, in place of the one at `path`, for the rows of `index`. Uses its element,
  // shape, number of targets, block_rows and numbers of rows.
  Hdf5FileWriter(const std::filesystem::path& path, const DatasetIndex& index);

  uint64_t x_offset(Split split) const { return x_offset_[static_cast<size_t>(split)]; }
  uint64_t y_offset(Split split) const { return y_offset_[static_cast<size_t>(split)]; }

  // Writes checksums (of the index's pieces, at most one per split), class or target names and
  // attributes, and closes the file.
  void finish(const DatasetIndex& index, const ShardPlace& place);

 private:
  Hdf5Handle create_dataset(const std::string& path, hid_t type, const std::vector<hsize_t>& dims);
  void write_number(const char* name, uint64_t value);
  void write_text(const char* name, const std::string& value);
  void write_names(const char* path, const std::vector<std::string>& names);
  void write_targets(const Targets& targets);
  // Writes an attribute, or a dataset if it would be too large for one.
  void write_floats(const char* name, const std::vector<float>& values);

  std::string name_;
  Hdf5Handle file_;
  std::array<uint64_t, 2> x_offset_ = {0, 0};
  std::array<uint64_t, 2> y_offset_ = {0, 0};
};

}  // namespace ringtrain::datasets
