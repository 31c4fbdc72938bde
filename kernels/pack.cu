// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_loops.cuh"
#include "kernels/pack_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

// Packs one chunk by one block. Returns the sum of squares of the stored values, valid in thread 0.
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
__global__ void __launch_bounds__(kBlockThreads)
    pack_tensor(const float* gradient, Stored* out, size_t n, float scale, double* partials) {
  const size_t first = blockIdx.x * kChunkElements;
  const size_t elements = min(kChunkElements, n - first);
  const double sum = pack_chunk(gradient + first, out + first, elements, PackElement{scale});
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(kBlockThreads)
    norm_of_chunks(const float* values, size_t n, double* partials) {
  const size_t first = blockIdx.x * kChunkElements;
  const double sum = block_squared_norm(values + first, min(kChunkElements, n - first));
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

// The second stage: one block.
__global__ void __launch_bounds__(kBlockThreads)
    sum_partials(const double* partials, size_t n, DeviceStats* stats) {
  double sum = 0;
  for (size_t i = threadIdx.x; i < n; i += blockDim.x) sum += partials[i];
  const double total = block_sum(sum);
  if (threadIdx.x == 0) *stats = {total, isfinite(total) ? 1 : 0};
}

void finish(const double* partials, size_t n, DeviceStats* stats, cudaStream_t stream) {
  sum_partials<<<1, kBlockThreads, 0, stream>>>(partials, n, stats);
  check_launch();
}

template <class Stored>
void pack_one(const float* gradient, Stored* out, size_t n, float scale, double* partials,
              DeviceStats* stats, cudaStream_t stream) {
  const size_t chunks = chunks_of(n);
  if (chunks > 0) {
    pack_tensor<<<static_cast<unsigned>(chunks), kBlockThreads, 0, stream>>>(gradient, out, n,
                                                                             scale, partials);
    check_launch();
  }
  finish(partials, chunks, stats, stream);
}

}  // namespace

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
    norm_of_chunks<<<static_cast<unsigned>(chunks), kBlockThreads, 0, stream>>>(values, n,
                                                                                partials);
    check_launch();
  }
  finish(partials, chunks, stats, stream);
}

}  // namespace ringtrain::kernels::cuda
