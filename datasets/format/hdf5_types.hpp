// SPDX-License-Identifier: Apache-2.0
// Contents of an HDF5 file within the profile of hdf5_profile.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ringtrain::datasets {

struct Hdf5Type {
  enum class Kind { u8, u32, u64, i64, f32, string };
  Kind kind = Kind::u8;
  uint32_t size = 1;  // bytes of one element
};

struct Hdf5Dataset {
  Hdf5Type type;
  std::vector<uint64_t> dims;
  uint64_t offset = 0;  // bytes from the start of the file; the data lies inside the file
  uint64_t bytes = 0;
};

struct Hdf5Attribute {
  Hdf5Type type;
  std::vector<uint64_t> dims;  // empty for a scalar
  std::string bytes;
};

struct Hdf5Contents {
  std::map<std::string, Hdf5Dataset> datasets;      // by path: "/train/x"
  std::map<std::string, Hdf5Attribute> attributes;  // of the root group
};

}  // namespace ringtrain::datasets
