// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_loops.cuh"
#include "kernels/sum_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

__device__ float sum_element(const bf16* parts, int count, size_t stride, size_t i) {
  float sum = to_float(parts[i]);
  for (int r = 1; r < count; ++r) sum += to_float(parts[r * stride + i]);
  return sum;
}

// Neighbouring threads read neighbouring elements of each part.
__global__ void __launch_bounds__(kBlockThreads)
    sum_all(const bf16* parts, int count, size_t stride, size_t n, float* out, bf16* rounded) {
  for (size_t i = grid_index(); i < n; i += grid_size()) {
    const float sum = sum_element(parts, count, stride, i);
    out[i] = sum;
    if (rounded != nullptr) rounded[i] = to_bf16(sum);
  }
}

__global__ void __launch_bounds__(kBlockThreads)
    widen_all(const bf16* values, size_t n, float* out) {
  for (size_t i = grid_index(); i < n; i += grid_size()) out[i] = to_float(values[i]);
}

}  // namespace

void sum_parts(const bf16* parts, int count, size_t stride, size_t n, float* out, bf16* rounded,
               cudaStream_t stream) {
  if (n == 0) return;
  sum_all<<<blocks_for(n, kBlockThreads), kBlockThreads, 0, stream>>>(parts, count, stride, n, out,
                                                                      rounded);
  check_launch();
}

void widen(const bf16* values, size_t n, float* out, cudaStream_t stream) {
  if (n == 0) return;
  widen_all<<<blocks_for(n, kBlockThreads), kBlockThreads, 0, stream>>>(values, n, out);
  check_launch();
}

}  // namespace ringtrain::kernels::cuda
