// SPDX-License-Identifier: Apache-2.0
// One pass over a fresh gradient: scale, cast to the wire type, test for finiteness, add to the
// norm, store in the flat slab. Its place in a step: the autograd hook, before the gradient is
// summed over the ranks.
//
//   out[i] = cast(scale * gradient[i])
//
// The factor (1 / global batch) belongs here: afterwards a plain sum over the ranks is the average.
#pragma once

#include <cstddef>

#include "kernels/element.hpp"
#include "kernels/stats.hpp"

namespace ringtrain::kernels {

struct PackElement {
  float scale;

  RINGTRAIN_HOST_DEVICE float operator()(float gradient) const { return scale * gradient; }
};

// Packs n elements in host memory, at any alignment. `out` may be `gradient` itself, else they must
// not overlap.
//
// Returns what measure asks for: so_far plus what this range adds. A range cut at multiples of 4096
// elements, the result of each part handed to the next as so_far, gives the bits of one call;
// adding up separate results gives the same but for the rounding of a double. finite is about
// the stored values: a finite float may overflow the wire type.
GradientStats pack(const float* gradient, float* out, size_t n, float scale,
                   const GradientStats& so_far = {}, Measure measure = Measure::norm_and_finite);
GradientStats pack(const float* gradient, bf16* out, size_t n, float scale,
                   const GradientStats& so_far = {}, Measure measure = Measure::norm_and_finite);

}  // namespace ringtrain::kernels
