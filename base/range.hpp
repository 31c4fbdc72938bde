// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace ringtrain {

// Elements [begin, end) of an array.
struct Range {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

}  // namespace ringtrain
