// SPDX-License-Identifier: Apache-2.0
// Creates the HDF5 structure of a dataset file: groups, datasets with their space allocated,
// attributes. Rows are then written by offset, without libhdf5.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets/format/plan.hpp"
#include "datasets/writing/hdf5_handle.hpp"

namespace ringtrain::datasets {

// Where a file's rows stand in the whole dataset.
struct PartPlace {
  uint32_t index = 0;
  uint32_t count = 1;
  std::array<uint64_t, 2> first_row = {0, 0};  // train, test
  std::array<uint64_t, 2> total_rows = {0, 0};
};

class Hdf5FileWriter {
 public:
  // Lays out a new file (replacing what is at `path`) for the rows of `plan`: element, shape,
  // block_rows and the numbers of rows are used.
  Hdf5FileWriter(const std::filesystem::path& path, const Plan& plan);

  uint64_t x_offset(Split split) const { return x_offset_[static_cast<size_t>(split)]; }
  uint64_t y_offset(Split split) const { return y_offset_[static_cast<size_t>(split)]; }

  // Writes checksums (from the plan's pieces, one per split at most), class names and attributes,
  // and closes.
  void finish(const Plan& plan, const PartPlace& place);

 private:
  Hdf5Handle create_dataset(const std::string& path, hid_t type, const std::vector<hsize_t>& dims);
  void write_number(const char* name, uint64_t value);
  void write_text(const char* name, const std::string& value);
  void write_floats(const char* name, const std::vector<float>& values);

  std::string name_;
  Hdf5Handle file_;
  std::array<uint64_t, 2> x_offset_ = {0, 0};
  std::array<uint64_t, 2> y_offset_ = {0, 0};
};

}  // namespace ringtrain::datasets
