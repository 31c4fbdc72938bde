// SPDX-License-Identifier: Apache-2.0
// A strict reader for the narrow part of HDF5 that ringtrain itself writes. A dataset may come from
// anywhere, and libhdf5 follows external files, runs filter plug-ins and has a long list of crashes
// on damaged input; so what a rank opens is read here: every structure bounded, every checksum
// verified, everything outside the profile refused by name. Foreign files go through `ringtrain
// dataset import hdf5`.
//
// The profile: superblock 3 at byte 0, checksummed object headers, compact groups with hard links
// only, two levels deep; contiguous, allocated datasets of u8, u32, u64, i64, f32 or fixed-length
// strings; attributes of these types in the root group's header.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

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

// Throws a data error naming the file and the object in it.
Hdf5Contents read_hdf5_profile(const File& file);

}  // namespace ringtrain::datasets
