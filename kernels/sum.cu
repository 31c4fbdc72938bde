// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_loops.cuh"
#include "kernels/sum_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

constexpr size_t kEight = 8;  // bf16 of a 128-bit access

// Returns the number of elements before the first group of eight that is aligned in all arrays, or
// n if there is none. rounded: may be null.
size_t head_of_eights(const bf16* parts, size_t stride, size_t n, const float* out,
                      const bf16* rounded) {
  constexpr size_t kBytes = kEight * sizeof(bf16);
  const auto past = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % kBytes; };
  const size_t head = (kBytes - past(parts)) % kBytes / sizeof(bf16);
  const bool alike = stride % kEight == 0 && past(out + head) == 0 &&
                     (rounded == nullptr || past(rounded + head) == 0);
  return alike && head < n ? head : n;
}

__device__ void add_eight(const bf16* from, float (&sum)[kEight]) {
  const uint4 v = *reinterpret_cast<const uint4*>(from);
  const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    sum[2 * w] += float_of(words[w] << 16);
    sum[2 * w + 1] += float_of(words[w] & 0xffff0000U);
  }
}

__device__ void store_eight(float* to, const float (&v)[kEight]) {
  store_four(to, float4{v[0], v[1], v[2], v[3]});
  store_four(to + 4, float4{v[4], v[5], v[6], v[7]});
}

__device__ void store_eight(bf16* to, const float (&v)[kEight]) {
  uint32_t words[4];
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    words[w] = to_bf16(v[2 * w]).bits | static_cast<uint32_t>(to_bf16(v[2 * w + 1]).bits) << 16;
  }
  __stcg(reinterpret_cast<uint4*>(to), uint4{words[0], words[1], words[2], words[3]});
}

// -0.0F is the neutral element of addition: 0 + -0 would lose the sign of a negative zero.
__device__ void sum_eight_at(size_t i, const bf16* parts, int count, size_t stride, float* out,
                             bf16* rounded) {
  float sum[kEight] = {-0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F};
  for (int r = 0; r < count; ++r) add_eight(parts + r * stride + i, sum);
  store_eight(out + i, sum);
  if (rounded != nullptr) store_eight(rounded + i, sum);
}

__device__ void sum_one_at(size_t i, const bf16* parts, int count, size_t stride, float* out,
                           bf16* rounded) {
  float sum = to_float(parts[i]);
  for (int r = 1; r < count; ++r) sum += to_float(parts[r * stride + i]);
  out[i] = sum;
  if (rounded != nullptr) rounded[i] = to_bf16(sum);
}

// Neighbouring threads read neighbouring elements of each part.
__global__ void __launch_bounds__(kBlockThreads)
    sum_all(const bf16* parts, int count, size_t stride, size_t n, size_t head, float* out,
            bf16* rounded) {
  const size_t eights = (n - head) / kEight;
  for (size_t i = grid_index(); i < eights; i += grid_size()) {
    sum_eight_at(head + kEight * i, parts, count, stride, out, rounded);
  }
  for (size_t i = grid_index(); i < head; i += grid_size()) {
    sum_one_at(i, parts, count, stride, out, rounded);
  }
  for (size_t i = head + kEight * eights + grid_index(); i < n; i += grid_size()) {
    sum_one_at(i, parts, count, stride, out, rounded);
  }
}

}  // namespace

void sum_parts(const bf16* parts, int count, size_t stride, size_t n, float* out, bf16* rounded,
               cudaStream_t stream) {
  if (n == 0) return;
  const size_t head = head_of_eights(parts, stride, n, out, rounded);
  sum_all<<<blocks_for(n, kEight * kBlockThreads), kBlockThreads, 0, stream>>>(
      parts, count, stride, n, head, out, rounded);
  check_launch();
}

void widen(const bf16* values, size_t n, float* out, cudaStream_t stream) {
  sum_parts(values, /*count=*/1, /*stride=*/0, n, out, /*rounded=*/nullptr, stream);
}

}  // namespace ringtrain::kernels::cuda
