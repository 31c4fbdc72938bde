// SPDX-License-Identifier: Apache-2.0
// The outer layer of hdf5_profile.hpp: object headers from the file as checked, bounded messages.
// Section numbers are those of the HDF5 File Format Specification, version 3.0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/source.hpp"

namespace ringtrain::datasets {

// A position in a file, for messages.
struct Hdf5Place {
  const storage::Source& file;
  std::string object;
  // Throws a data error.
  [[noreturn]] void refuse(std::string_view why) const;
};

// Reads little-endian numbers from a bounded buffer; running over its end is a data error.
class Hdf5Cursor {
 public:
  Hdf5Cursor(std::string_view bytes, const Hdf5Place& place) : bytes_(bytes), place_(place) {}
  size_t left() const { return bytes_.size(); }
  std::string_view take(uint64_t size);
  uint64_t number(unsigned width);
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }

 private:
  std::string_view bytes_;
  const Hdf5Place& place_;
};

struct Hdf5Message {
  uint8_t type = 0;
  std::string body;
};

// Returns the `size` bytes at `offset`; refuses what lies outside the file.
std::string read_checked(const Hdf5Place& place, uint64_t file_size, uint64_t offset,
                         uint64_t size);

// Checks the checksum at the end of `bytes` and returns the bytes before it.
std::string_view without_checksum(std::string_view bytes, const Hdf5Place& place);

// Returns the messages of the object whose header is at `offset`, continuations included. IV.A.1.b:
// version 2 headers.
std::vector<Hdf5Message> read_object(const Hdf5Place& place, uint64_t file_size, uint64_t offset);

// Returns the checksum of HDF5's metadata: Jenkins' lookup3 (hashlittle).
uint32_t lookup3(std::string_view bytes);

}  // namespace ringtrain::datasets
