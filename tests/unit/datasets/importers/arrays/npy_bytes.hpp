// SPDX-License-Identifier: Apache-2.0
// Files of NumPy for tests, made in memory.
#pragma once

#include <string>
#include <vector>

namespace ringtrain::datasets::testing {

template <typename Number>
std::string as_bytes(const std::vector<Number>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Number)};
}

// descr with its quotes: "'<f4'"; shape without brackets: "3, 2".
inline std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                       const std::string& order = "False", char version = 1) {
  const std::string header =
      "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
  std::string bytes = std::string("\x93NUMPY", 6) + version + '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + header + data;
}

}  // namespace ringtrain::datasets::testing
