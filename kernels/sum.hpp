// SPDX-License-Identifier: Apache-2.0
// The sum of several ranks' slabs, for backends that see each other's memory.
//
//   out[i] = sources[0][i] + sources[1][i] + ...   in fp32, in this order
//
// Every rank that sums the same range gets the same bits.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/element.hpp"
#include "kernels/stats.hpp"

namespace ringtrain::kernels {

// Sums n elements of each source, in host memory, at any alignment. `out` may be one of the
// sources, else it must not overlap them. There must be at least one source
// (std::invalid_argument).
//
// Returns what measure asks for about the sum, on top of so_far (see pack.hpp).
GradientStats sum(std::span<const float* const> sources, float* out, size_t n,
                  const GradientStats& so_far = {}, Measure measure = Measure::norm_and_finite);

// The same for bf16 sources: accumulated in fp32, so the sum is not rounded to bf16.
GradientStats sum(std::span<const bf16* const> sources, float* out, size_t n,
                  const GradientStats& so_far = {}, Measure measure = Measure::norm_and_finite);

}  // namespace ringtrain::kernels
