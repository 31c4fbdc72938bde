// SPDX-License-Identifier: Apache-2.0
// The device drivers of pack.hpp: all tensors of a bucket in one launch, or one tensor alone.
// Pointers are device memory; calls return before the work is done, which is ordered on the stream
// and can be captured in a CUDA graph. Errors are CudaError.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda_array.hpp"
#include "kernels/element.hpp"
#include "kernels/pack.hpp"

namespace ringtrain::kernels::cuda {

// A block of threads takes 64 KiB of floats.
inline constexpr size_t chunk_elements = 16384;

inline size_t chunks_of(size_t elements) {
  return (elements + chunk_elements - 1) / chunk_elements;
}

// GradientStats in device memory.
struct DeviceStats {
  double squared_norm;
  int finite;  // 0 or 1
};

struct Chunk {
  uint32_t tensor;
  uint32_t elements;
  uint64_t first;  // in the tensor
  uint64_t out;    // in the slab
};

// Where the gradients of one launch lie and go, kept on the device.
class ChunkTable {
 public:
  struct Tensor {
    const float* gradient;  // may be set later, by move_to
    size_t elements;
    size_t offset;  // in the slab, elements
  };

  explicit ChunkTable(std::span<const Tensor> tensors);
  ~ChunkTable();
  ChunkTable(const ChunkTable&) = delete;
  ChunkTable& operator=(const ChunkTable&) = delete;

  // The gradients' places in this step, one per tensor in the order of construction. Free where
  // they have not moved; else one small copy, ordered on the stream. Not while a graph is captured:
  // gradients must stay put there.
  void move_to(std::span<const float* const> gradients, cudaStream_t stream);

  size_t chunks() const { return chunks_.size(); }
  const Chunk* chunk_data() const { return chunks_.data(); }
  const float* const* gradient_data() const { return gradients_.data(); }
  double* partials() const { return partials_.data(); }

 private:
  DeviceArray<Chunk> chunks_;
  DeviceArray<const float*> gradients_;
  DeviceArray<double> partials_;
  size_t tensors_;
  const float** staged_ = nullptr;  // pinned: what gradients_ holds or is about to
  cudaEvent_t copied_ = nullptr;    // the last copy out of staged_
};

// Packs all tensors of the table into the slab. `scale` and `stats` are in device memory: a
// captured graph follows the factor of a short last batch.
void pack(const ChunkTable& table, float* slab, const float* scale, DeviceStats* stats,
          cudaStream_t stream);
void pack(const ChunkTable& table, bf16* slab, const float* scale, DeviceStats* stats,
          cudaStream_t stream);

// One tensor. partials is scratch for chunks_of(n) values, in use until the work is done.
void pack(const float* gradient, float* out, size_t n, float scale, double* partials,
          DeviceStats* stats, cudaStream_t stream);
void pack(const float* gradient, bf16* out, size_t n, float scale, double* partials,
          DeviceStats* stats, cudaStream_t stream);

// Sum of squares and finiteness of n values, partials as above.
void squared_norm(const float* values, size_t n, double* partials, DeviceStats* stats,
                  cudaStream_t stream);

}  // namespace ringtrain::kernels::cuda
