// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>

namespace ringtrain::server {

// Returns a .npy file, version 1, with so many bytes of numbers, whatever its header says.
inline std::string array_text(const std::string& descr, const std::string& shape, size_t bytes) {
  std::string header =
      fmt::format("{{'descr': {}, 'fortran_order': False, 'shape': {}, }}", descr, shape);
  header.resize(118, ' ');
  header.back() = '\n';
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + std::string(bytes, '\x01');
}

}  // namespace ringtrain::server
