// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "kernels/cuda_loops.cuh"
#include "kernels/pack_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

// One block packs one chunk; the sum of squares of what it stored is valid in thread 0.
template <class Stored>
__device__ double pack_chunk(const float* gradient, Stored* out, size_t n, PackElement element) {
  double sum = 0;
  for_each_in_fours(
      n, scalar_head(n, gradient, out), threadIdx.x, blockDim.x,
      [&](size_t i) {
        const float4 g = load_four(gradient + i);
        const Stored stored[4] = {to<Stored>(element(g.x)), to<Stored>(element(g.y)),
                                  to<Stored>(element(g.z)), to<Stored>(element(g.w))};
        store_four(out + i, stored);
        sum += (squared(to_float(stored[0])) + squared(to_float(stored[1]))) +
               (squared(to_float(stored[2])) + squared(to_float(stored[3])));
      },
      [&](size_t i) {
        const Stored stored = to<Stored>(element(gradient[i]));
        out[i] = stored;
        sum += squared(to_float(stored));
      });
  return block_sum(sum);
}

template <class Stored>
__global__ void __launch_bounds__(block_threads)
    pack_table(const Chunk* chunks, const float* const* gradients, Stored* slab, const float* scale,
               double* partials) {
  const Chunk chunk = chunks[blockIdx.x];
  const double sum = pack_chunk(gradients[chunk.tensor] + chunk.first, slab + chunk.out,
                                chunk.elements, PackElement{*scale});
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

template <class Stored>
__global__ void __launch_bounds__(block_threads)
    pack_tensor(const float* gradient, Stored* out, size_t n, float scale, double* partials) {
  const size_t first = blockIdx.x * chunk_elements;
  const size_t elements = min(chunk_elements, n - first);
  const double sum = pack_chunk(gradient + first, out + first, elements, PackElement{scale});
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(block_threads)
    norm_of_chunks(const float* values, size_t n, double* partials) {
  const size_t first = blockIdx.x * chunk_elements;
  const double sum = block_squared_norm(values + first, min(chunk_elements, n - first));
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

// The second stage: one block.
__global__ void __launch_bounds__(block_threads)
    sum_partials(const double* partials, size_t n, DeviceStats* stats) {
  double sum = 0;
  for (size_t i = threadIdx.x; i < n; i += blockDim.x) sum += partials[i];
  const double total = block_sum(sum);
  if (threadIdx.x == 0) *stats = {total, isfinite(total) ? 1 : 0};
}

void finish(const double* partials, size_t n, DeviceStats* stats, cudaStream_t stream) {
  sum_partials<<<1, block_threads, 0, stream>>>(partials, n, stats);
  check_launch();
}

template <class Stored>
void pack_all(const ChunkTable& table, Stored* slab, const float* scale, DeviceStats* stats,
              cudaStream_t stream) {
  if (table.chunks() > 0) {
    pack_table<<<static_cast<unsigned>(table.chunks()), block_threads, 0, stream>>>(
        table.chunk_data(), table.gradient_data(), slab, scale, table.partials());
    check_launch();
  }
  finish(table.partials(), table.chunks(), stats, stream);
}

template <class Stored>
void pack_one(const float* gradient, Stored* out, size_t n, float scale, double* partials,
              DeviceStats* stats, cudaStream_t stream) {
  const size_t chunks = chunks_of(n);
  if (chunks > 0) {
    pack_tensor<<<static_cast<unsigned>(chunks), block_threads, 0, stream>>>(gradient, out, n,
                                                                             scale, partials);
    check_launch();
  }
  finish(partials, chunks, stats, stream);
}

std::vector<Chunk> chunks_of_tensors(std::span<const ChunkTable::Tensor> tensors) {
  std::vector<Chunk> chunks;
  for (size_t t = 0; t < tensors.size(); ++t) {
    for (size_t first = 0; first < tensors[t].elements; first += chunk_elements) {
      const size_t elements = std::min(chunk_elements, tensors[t].elements - first);
      chunks.push_back({static_cast<uint32_t>(t), static_cast<uint32_t>(elements), first,
                        tensors[t].offset + first});
    }
  }
  return chunks;
}

std::vector<const float*> gradients_of(std::span<const ChunkTable::Tensor> tensors) {
  std::vector<const float*> gradients;
  for (const ChunkTable::Tensor& tensor : tensors) gradients.push_back(tensor.gradient);
  return gradients;
}

}  // namespace

ChunkTable::ChunkTable(std::span<const Tensor> tensors)
    : chunks_(chunks_of_tensors(tensors)),
      gradients_(gradients_of(tensors)),
      partials_(chunks_.size()),
      tensors_(tensors.size()) {
  if (tensors_ == 0) return;
  check_cuda(cudaEventCreateWithFlags(&copied_, cudaEventDisableTiming));
  const cudaError_t code =
      cudaMallocHost(reinterpret_cast<void**>(&staged_), tensors_ * sizeof(const float*));
  if (code != cudaSuccess) {
    cudaEventDestroy(copied_);
    check_cuda(code);
  }
  for (size_t t = 0; t < tensors_; ++t) staged_[t] = tensors[t].gradient;
}

ChunkTable::~ChunkTable() {
  if (copied_ != nullptr) {
    cudaEventSynchronize(copied_);
    cudaEventDestroy(copied_);
  }
  cudaFreeHost(staged_);
}

void ChunkTable::move_to(std::span<const float* const> gradients, cudaStream_t stream) {
  if (gradients.size() != tensors_) {
    throw std::invalid_argument("ChunkTable::move_to: another number of tensors");
  }
  if (tensors_ == 0 || std::equal(gradients.begin(), gradients.end(), staged_)) return;
  // The last copy may still be reading. (An event that was never recorded is done.)
  check_cuda(cudaEventSynchronize(copied_));
  std::copy(gradients.begin(), gradients.end(), staged_);
  check_cuda(cudaMemcpyAsync(gradients_.data(), staged_, tensors_ * sizeof(const float*),
                             cudaMemcpyHostToDevice, stream));
  check_cuda(cudaEventRecord(copied_, stream));
}

void pack(const ChunkTable& table, float* slab, const float* scale, DeviceStats* stats,
          cudaStream_t stream) {
  pack_all(table, slab, scale, stats, stream);
}

void pack(const ChunkTable& table, bf16* slab, const float* scale, DeviceStats* stats,
          cudaStream_t stream) {
  pack_all(table, slab, scale, stats, stream);
}

void pack(const float* gradient, float* out, size_t n, float scale, double* partials,
          DeviceStats* stats, cudaStream_t stream) {
  pack_one(gradient, out, n, scale, partials, stats, stream);
}

void pack(const float* gradient, bf16* out, size_t n, float scale, double* partials,
          DeviceStats* stats, cudaStream_t stream) {
  pack_one(gradient, out, n, scale, partials, stats, stream);
}

void squared_norm(const float* values, size_t n, double* partials, DeviceStats* stats,
                  cudaStream_t stream) {
  const size_t chunks = chunks_of(n);
  if (chunks > 0) {
    norm_of_chunks<<<static_cast<unsigned>(chunks), block_threads, 0, stream>>>(values, n,
                                                                                partials);
    check_launch();
  }
  finish(partials, chunks, stats, stream);
}

}  // namespace ringtrain::kernels::cuda
