// SPDX-License-Identifier: Apache-2.0
#include "kernels/sum.hpp"

#include <array>
#include <stdexcept>

#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

// For a number of sources known when compiled: their pointers stay in registers.
template <size_t count, class Source>
inline RINGTRAIN_INLINE GradientStats sum_few(const Source* const* sources, float* out, size_t n,
                                              const GradientStats& so_far) {
  std::array<const Source*, count> source;
  for (size_t s = 0; s < count; ++s) source[s] = sources[s];
  return store_with_stats(
      out, n,
      [=](size_t first, auto width, float* values) RINGTRAIN_INLINE {
        for (size_t i = 0; i < width; ++i) {
          float total = to_float(source[0][first + i]);
          for (size_t s = 1; s < count; ++s) total += to_float(source[s][first + i]);
          values[i] = total;
        }
      },
      so_far);
}

template <class Source>
inline RINGTRAIN_INLINE GradientStats sum_many(const Source* const* sources, size_t count,
                                               float* out, size_t n, const GradientStats& so_far) {
  return store_with_stats(
      out, n,
      [=](size_t first, auto width, float* values) RINGTRAIN_INLINE {
        for (size_t i = 0; i < width; ++i) values[i] = to_float(sources[0][first + i]);
        for (size_t s = 1; s < count; ++s) {
          for (size_t i = 0; i < width; ++i) values[i] += to_float(sources[s][first + i]);
        }
      },
      so_far);
}

template <class Source>
inline RINGTRAIN_INLINE GradientStats sum_any(const Source* const* sources, size_t count,
                                              float* out, size_t n, const GradientStats& so_far) {
  switch (count) {
    case 2:
      return sum_few<2>(sources, out, n, so_far);
    case 3:
      return sum_few<3>(sources, out, n, so_far);
    case 4:
      return sum_few<4>(sources, out, n, so_far);
    default:
      return sum_many(sources, count, out, n, so_far);
  }
}

RINGTRAIN_HOST_VARIANTS
GradientStats sum_fp32(const float* const* sources, size_t count, float* out, size_t n,
                       const GradientStats& so_far) {
  return sum_any(sources, count, out, n, so_far);
}

RINGTRAIN_HOST_VARIANTS
GradientStats sum_bf16(const bf16* const* sources, size_t count, float* out, size_t n,
                       const GradientStats& so_far) {
  return sum_any(sources, count, out, n, so_far);
}

void check_sources(size_t count) {
  if (count == 0) throw std::invalid_argument("kernels::sum needs at least one source");
}

}  // namespace

GradientStats sum(std::span<const float* const> sources, float* out, size_t n,
                  const GradientStats& so_far) {
  check_sources(sources.size());
  return sum_fp32(sources.data(), sources.size(), out, n, so_far);
}

GradientStats sum(std::span<const bf16* const> sources, float* out, size_t n,
                  const GradientStats& so_far) {
  check_sources(sources.size());
  return sum_bf16(sources.data(), sources.size(), out, n, so_far);
}

}  // namespace ringtrain::kernels
