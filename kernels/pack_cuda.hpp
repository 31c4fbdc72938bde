// SPDX-License-Identifier: Apache-2.0
// The device drivers of pack.hpp. Pointers are device memory; calls return before the work is done,
// which is ordered on the stream and can be captured in a CUDA graph. Errors as check_cuda().
//
// A norm is added up in two stages: a block of threads adds up a chunk, then another block a
// tensor's chunks.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/element.hpp"
#include "kernels/pack.hpp"

namespace ringtrain::kernels::cuda {

// A block of threads takes 16 KiB of floats: enough blocks for all of a card from 2 MiB on.
inline constexpr size_t kChunkElements = 4096;

inline size_t chunks_of(size_t elements) {
  return (elements + kChunkElements - 1) / kChunkElements;
}

// GradientStats in device memory.
struct DeviceStats {
  double squared_norm;
  int finite;  // 0 or 1
};

// A tensor of n elements to pack.
template <class Stored>
struct PackPart {
  const float* gradient;
  Stored* out;
  size_t n;
};

// Tensors of one launch: their places are arguments of the kernel, which may take 4 KiB.
inline constexpr size_t kMostParts = 64;

// Packs up to kMostParts tensors in one launch, and writes the sum of squares of every chunk.
// partials: [chunks of all the tensors, in their order].
void pack(std::span<const PackPart<float>> parts, float scale, double* partials,
          cudaStream_t stream);
void pack(std::span<const PackPart<bf16>> parts, float scale, double* partials,
          cudaStream_t stream);

// Adds up the chunks of every tensor: those of tensor k end before partials[ends[k]]. Writes
// stats[k].
void sum_partials(const double* partials, std::span<const uint32_t> ends, DeviceStats* stats,
                  cudaStream_t stream);

// Writes 1 to *unusable if a tensor has values that are not finite, or a sum of squares above
// `most`, else 0.
void find_unusable(const DeviceStats* stats, size_t count, double most, int* unusable,
                   cudaStream_t stream);

// Finds the sum of squares and finiteness of n values. partials: scratch for chunks_of(n) values,
// in use until the work is done.
void squared_norm(const float* values, size_t n, double* partials, DeviceStats* stats,
                  cudaStream_t stream);

}  // namespace ringtrain::kernels::cuda
