// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace ringtrain::serving {

// Sizes of an array, the slowest first.
using Dims = std::vector<int64_t>;

// Returns the dimensions whose size is not 1.
inline Dims without_ones(Dims dims) {
  std::erase(dims, 1);
  return dims;
}

}  // namespace ringtrain::serving
