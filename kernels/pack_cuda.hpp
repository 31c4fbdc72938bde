// SPDX-License-Identifier: Apache-2.0
// The device drivers of pack.hpp. Pointers are device memory; calls return before the work is done,
// which is ordered on the stream and can be captured in a CUDA graph. Errors as check_cuda().
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/element.hpp"
#include "kernels/pack.hpp"

namespace ringtrain::kernels::cuda {

// A block of threads takes 64 KiB of floats.
inline constexpr size_t kChunkElements = 16384;

inline size_t chunks_of(size_t elements) {
  return (elements + kChunkElements - 1) / kChunkElements;
}

// GradientStats in device memory.
struct DeviceStats {
  double squared_norm;
  int finite;  // 0 or 1
};

// Packs one tensor. partials: scratch for chunks_of(n) values, in use until the work is done.
void pack(const float* gradient, float* out, size_t n, float scale, double* partials,
          DeviceStats* stats, cudaStream_t stream);
void pack(const float* gradient, bf16* out, size_t n, float scale, double* partials,
          DeviceStats* stats, cudaStream_t stream);

// Finds the sum of squares and finiteness of n values. partials: as above.
void squared_norm(const float* values, size_t n, double* partials, DeviceStats* stats,
                  cudaStream_t stream);

}  // namespace ringtrain::kernels::cuda
