// SPDX-License-Identifier: Apache-2.0
#include "kernels/sum.hpp"

#include <stdexcept>

#include "kernels/host_loops.hpp"
#include "kernels/sum_of.hpp"

namespace ringtrain::kernels {
namespace {

struct Block {
  float values[kNormBlockElements];

  RINGTRAIN_INLINE float operator()(size_t i) const { return values[i]; }
  RINGTRAIN_INLINE void prefetch(size_t) const {}
};

template <size_t count, class Source>
inline RINGTRAIN_INLINE GradientStats sum_few(const Source* const* sources, float* out, size_t n,
                                              const GradientStats& so_far, Measure measure) {
  return store_with_stats(out, n, SumOf<count, Source>(sources), so_far, measure);
}

// Any number: block by block, summed apart from `out`, which may be a source that is still to come.
template <class Source>
inline RINGTRAIN_INLINE GradientStats sum_many(const Source* const* sources, size_t count,
                                               float* out, size_t n, const GradientStats& so_far,
                                               Measure measure) {
  GradientStats stats = so_far;
  for (size_t first = 0; first < n; first += kNormBlockElements) {
    const size_t width = std::min(kNormBlockElements, n - first);
    Block total;
    const SumOf<4, Source> first_four(sources);
    for (size_t i = 0; i < width; ++i) total.values[i] = first_four(first + i);
    for (size_t s = 4; s < count; ++s) {
      const Source* source = sources[s] + first;
      for (size_t i = 0; i < width; ++i) total.values[i] += to_float(source[i]);
    }
    stats = store_with_stats(out + first, width, total, stats, measure);
  }
  return stats;
}

template <class Source>
inline RINGTRAIN_INLINE GradientStats sum_any(const Source* const* sources, size_t count,
                                              float* out, size_t n, const GradientStats& so_far,
                                              Measure measure) {
  switch (count) {
    case 1:
      return sum_few<1>(sources, out, n, so_far, measure);
    case 2:
      return sum_few<2>(sources, out, n, so_far, measure);
    case 3:
      return sum_few<3>(sources, out, n, so_far, measure);
    case 4:
      return sum_few<4>(sources, out, n, so_far, measure);
    default:
      return sum_many(sources, count, out, n, so_far, measure);
  }
}

RINGTRAIN_HOST_VARIANTS
GradientStats sum_fp32(const float* const* sources, size_t count, float* out, size_t n,
                       const GradientStats& so_far, Measure measure) {
  return sum_any(sources, count, out, n, so_far, measure);
}

RINGTRAIN_HOST_VARIANTS
GradientStats sum_bf16(const bf16* const* sources, size_t count, float* out, size_t n,
                       const GradientStats& so_far, Measure measure) {
  return sum_any(sources, count, out, n, so_far, measure);
}

void check_sources(size_t count) {
  if (count == 0) throw std::invalid_argument("kernels::sum needs at least one source");
}

}  // namespace

GradientStats sum(std::span<const float* const> sources, float* out, size_t n,
                  const GradientStats& so_far, Measure measure) {
  check_sources(sources.size());
  return sum_fp32(sources.data(), sources.size(), out, n, so_far, measure);
}

GradientStats sum(std::span<const bf16* const> sources, float* out, size_t n,
                  const GradientStats& so_far, Measure measure) {
  check_sources(sources.size());
  return sum_bf16(sources.data(), sources.size(), out, n, so_far, measure);
}

}  // namespace ringtrain::kernels
