// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.hpp"

#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

template <class Stored>
inline RINGTRAIN_INLINE GradientStats pack_as(const float* gradient, Stored* out, size_t n,
                                              float scale, const GradientStats& so_far) {
  const PackElement element{scale};
  return store_with_stats(
      out, n,
      [=](size_t first, auto width, float* values) RINGTRAIN_INLINE {
        for (size_t i = 0; i < width; ++i) values[i] = element(gradient[first + i]);
      },
      so_far);
}

RINGTRAIN_HOST_VARIANTS
GradientStats pack_fp32(const float* gradient, float* out, size_t n, float scale,
                        const GradientStats& so_far) {
  return pack_as(gradient, out, n, scale, so_far);
}

RINGTRAIN_HOST_VARIANTS
GradientStats pack_bf16(const float* gradient, bf16* out, size_t n, float scale,
                        const GradientStats& so_far) {
  return pack_as(gradient, out, n, scale, so_far);
}

}  // namespace

GradientStats pack(const float* gradient, float* out, size_t n, float scale,
                   const GradientStats& so_far) {
  return pack_fp32(gradient, out, n, scale, so_far);
}

GradientStats pack(const float* gradient, bf16* out, size_t n, float scale,
                   const GradientStats& so_far) {
  return pack_bf16(gradient, out, n, scale, so_far);
}

}  // namespace ringtrain::kernels
