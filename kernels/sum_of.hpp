// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/element.hpp"
#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {

// One element of as many sources, their pointers in registers.
template <size_t count, class Source>
struct SumOf {
  const Source* sources[count];

  explicit RINGTRAIN_INLINE SumOf(const Source* const* all) {
    for (size_t s = 0; s < count; ++s) sources[s] = all[s];
  }
  RINGTRAIN_INLINE float operator()(size_t i) const {
    float total = to_float(sources[0][i]);
    for (size_t s = 1; s < count; ++s) total += to_float(sources[s][i]);
    return total;
  }
  RINGTRAIN_INLINE void prefetch(size_t i) const {
    for (size_t s = 0; s < count; ++s) __builtin_prefetch(sources[s] + i);
  }
};

}  // namespace ringtrain::kernels
