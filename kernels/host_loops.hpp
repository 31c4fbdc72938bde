// SPDX-License-Identifier: Apache-2.0
// How host drivers walk over elements: compiled several times for newer instruction sets, and with
// the squared norm of what is stored on the side, in an order that depends on the element's place
// alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "kernels/element.hpp"
#include "kernels/stats.hpp"

// One portable program, the best variant of each driver chosen when it is loaded. Sanitizers
// instrument the resolver, which runs before their runtime is up, so they get the plain variant.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RINGTRAIN_HOST_VARIANTS \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define RINGTRAIN_HOST_VARIANTS
#endif

// A loop body or lambda has to be inlined into each variant to be compiled for its instruction set.
#define RINGTRAIN_INLINE __attribute__((always_inline))

namespace ringtrain::kernels {

// Elements are taken in groups of this many, a group's element j always by lane j: loops over a
// group become whole vectors, and the order of a sum does not depend on how wide they are.
inline constexpr size_t group_elements = 32;

// Squares are summed in double, block after block.
inline constexpr size_t norm_block_elements = 4096;
static_assert(norm_block_elements % group_elements == 0);

// Adds up neighbours, then neighbours of these, and so on.
inline RINGTRAIN_INLINE double sum_of_lanes(double (&lanes)[group_elements]) {
  for (size_t width = group_elements / 2; width > 0; width /= 2) {
    for (size_t lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

// Visits elements 0 .. n and returns so_far plus the sum of squares of their values. visit(first,
// width, values) sets values[0 .. width) for elements first .. first + width; width is a
// std::integral_constant.
template <class Visit>
inline RINGTRAIN_INLINE double add_squares(size_t n, Visit visit, double so_far) {
  constexpr std::integral_constant<size_t, group_elements> whole_group;
  constexpr std::integral_constant<size_t, 1> single;

  for (size_t block = 0; block < n; block += norm_block_elements) {
    const size_t block_end = std::min(n, block + norm_block_elements);
    double lanes[group_elements] = {};
    size_t first = block;
    for (; first + group_elements <= block_end; first += group_elements) {
      float values[group_elements];
      visit(first, whole_group, values);
      for (size_t lane = 0; lane < group_elements; ++lane) lanes[lane] += squared(values[lane]);
    }
    for (size_t lane = 0; first + lane < block_end; ++lane) {
      float value[1];
      visit(first + lane, single, value);
      lanes[lane] += squared(value[0]);
    }
    so_far += sum_of_lanes(lanes);
  }
  return so_far;
}

// Stores n elements in `out` and returns so_far with the stored values added. load(first, width,
// values) computes them, as above. A group is loaded whole before any of it is stored: `out` may be
// an input.
template <class Stored, class Load>
inline RINGTRAIN_INLINE GradientStats store_with_stats(Stored* out, size_t n, Load load,
                                                       const GradientStats& so_far) {
  const double squared_norm = add_squares(
      n,
      [=](size_t first, auto width, float* values) RINGTRAIN_INLINE {
        load(first, width, values);
        for (size_t i = 0; i < width; ++i) {
          const Stored stored = to<Stored>(values[i]);
          out[first + i] = stored;
          values[i] = to_float(stored);
        }
      },
      so_far.squared_norm);
  return {squared_norm, so_far.finite && std::isfinite(squared_norm)};
}

}  // namespace ringtrain::kernels
