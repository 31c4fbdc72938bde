// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.hpp"

#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

struct Scaled {
  const float* gradient;
  PackElement element;

  RINGTRAIN_INLINE float operator()(size_t i) const { return element(gradient[i]); }
  RINGTRAIN_INLINE void prefetch(size_t i) const { __builtin_prefetch(gradient + i); }
};

RINGTRAIN_HOST_VARIANTS
GradientStats pack_fp32(const float* gradient, float* out, size_t n, float scale,
                        const GradientStats& so_far, Measure measure) {
  return store_with_stats(out, n, Scaled{gradient, {scale}}, so_far, measure);
}

RINGTRAIN_HOST_VARIANTS
GradientStats pack_bf16(const float* gradient, bf16* out, size_t n, float scale,
                        const GradientStats& so_far, Measure measure) {
  return store_with_stats(out, n, Scaled{gradient, {scale}}, so_far, measure);
}

}  // namespace

GradientStats pack(const float* gradient, float* out, size_t n, float scale,
                   const GradientStats& so_far, Measure measure) {
  return pack_fp32(gradient, out, n, scale, so_far, measure);
}

GradientStats pack(const float* gradient, bf16* out, size_t n, float scale,
                   const GradientStats& so_far, Measure measure) {
  return pack_bf16(gradient, out, n, scale, so_far, measure);
}

}  // namespace ringtrain::kernels
