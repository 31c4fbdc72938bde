// SPDX-License-Identifier: Apache-2.0
// Loops of the CUDA drivers over elements: four at a time in one 128-bit access where the alignment
// allows it, and sums of squares in two stages of a fixed order (no atomics: repeated runs give the
// same bits).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda_check.hpp"
#include "kernels/element.hpp"

namespace ringtrain::kernels::cuda {

inline constexpr int kBlockThreads = 256;
inline constexpr int kWarpThreads = 32;

// Blocks for a grid-stride loop: enough to fill any card several times over.
inline unsigned blocks_for(size_t n, size_t per_block) {
  constexpr size_t kMost = 132 * 16;
  return static_cast<unsigned>(std::clamp<size_t>((n + per_block - 1) / per_block, 1, kMost));
}

// Returns the number of elements before the first aligned group of four.
template <class Element>
__host__ __device__ inline size_t elements_before_alignment(const Element* array) {
  constexpr size_t kBytes = 4 * sizeof(Element);
  return (kBytes - reinterpret_cast<uintptr_t>(array) % kBytes) % kBytes / sizeof(Element);
}

// Returns the same for all the arrays together, or n if no group is aligned in all of them.
template <class First, class... Rest>
__host__ __device__ inline size_t scalar_head(size_t n, const First* first, const Rest*... rest) {
  const size_t head = elements_before_alignment(first);
  const bool alike = (true && ... && (elements_before_alignment(rest) == head));
  return alike && head < n ? head : n;
}

// Calls four(i) for elements i .. i + 3, aligned, and one(i) for those before and after. The caller
// is worker `index` out of `count`.
template <class Four, class One>
__device__ inline void for_each_in_fours(size_t n, size_t head, size_t index, size_t count,
                                         Four four, One one) {
  const size_t fours = (n - head) / 4;
  for (size_t i = index; i < fours; i += count) four(head + 4 * i);
  for (size_t i = index; i < head; i += count) one(i);
  for (size_t i = head + 4 * fours + index; i < n; i += count) one(i);
}

__device__ inline size_t grid_index() { return size_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ inline size_t grid_size() { return size_t{gridDim.x} * blockDim.x; }

__device__ inline float4 load_four(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}
// The intrinsic keeps the store whole: nvcc splits a plain one where the values are used again.
__device__ inline void store_four(float* to, const float4& v) {
  __stcg(reinterpret_cast<float4*>(to), v);
}
__device__ inline void store_four(bf16* to, const bf16 (&v)[4]) {
  const uint2 packed{v[0].bits | static_cast<uint32_t>(v[1].bits) << 16,
                     v[2].bits | static_cast<uint32_t>(v[3].bits) << 16};
  __stcg(reinterpret_cast<uint2*>(to), packed);
}
__device__ inline void store_four(float* to, const float (&v)[4]) {
  store_four(to, float4{v[0], v[1], v[2], v[3]});
}

// Returns the sum over a block of kBlockThreads threads, added in a fixed order; valid in thread 0.
// All threads are past their reads at its end, so it can be called again.
__device__ inline double block_sum(double value) {
  __shared__ double warps[kBlockThreads / kWarpThreads];
  for (int offset = kWarpThreads / 2; offset > 0; offset /= 2) {
    value += __shfl_down_sync(0xffffffffU, value, offset);
  }
  if (threadIdx.x % kWarpThreads == 0) warps[threadIdx.x / kWarpThreads] = value;
  __syncthreads();
  double total = 0;
  if (threadIdx.x == 0) {
    for (const double warp : warps) total += warp;
  }
  __syncthreads();
  return total;
}

// Returns the sum of squares of n values by one block; valid in thread 0.
__device__ inline double block_squared_norm(const float* values, size_t n) {
  double sum = 0;
  for_each_in_fours(
      n, scalar_head(n, values), threadIdx.x, blockDim.x,
      [&](size_t i) {
        const float4 v = load_four(values + i);
        sum += (squared(v.x) + squared(v.y)) + (squared(v.z) + squared(v.w));
      },
      [&](size_t i) { sum += squared(values[i]); });
  return block_sum(sum);
}

}  // namespace ringtrain::kernels::cuda
