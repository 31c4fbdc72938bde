// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>

#include "kernels/cuda_loops.cuh"
#include "kernels/pack_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

// Vectors of four that a thread has to load for a chunk.
constexpr size_t kFours = kChunkElements / (4 * kBlockThreads);
static_assert(kChunkElements == 4 * kBlockThreads * kFours);

template <class Stored>
__device__ double pack_four(const float4& g, Stored* out, PackElement element) {
  const Stored stored[4] = {to<Stored>(element(g.x)), to<Stored>(element(g.y)),
                            to<Stored>(element(g.z)), to<Stored>(element(g.w))};
  store_four(out, stored);
  return (squared(to_float(stored[0])) + squared(to_float(stored[1]))) +
         (squared(to_float(stored[2])) + squared(to_float(stored[3])));
}

template <class Stored>
__device__ double pack_one(float gradient, Stored* out, PackElement element) {
  const Stored stored = to<Stored>(element(gradient));
  *out = stored;
  return squared(to_float(stored));
}

// Packs one chunk by one block. Returns the sum of squares of the stored values, valid in thread 0.
// A thread has all its loads under way before it uses the first.
template <class Stored>
__device__ double pack_chunk(const float* gradient, Stored* out, size_t n, PackElement element) {
  const size_t head = scalar_head(n, gradient, out);
  const size_t fours = (n - head) / 4;
  float4 loaded[kFours];
#pragma unroll
  for (size_t j = 0; j < kFours; ++j) {
    const size_t i = threadIdx.x + j * kBlockThreads;
    if (i < fours) loaded[j] = load_four(gradient + head + 4 * i);
  }
  double sum = 0;
#pragma unroll
  for (size_t j = 0; j < kFours; ++j) {
    const size_t i = threadIdx.x + j * kBlockThreads;
    if (i < fours) sum += pack_four(loaded[j], out + head + 4 * i, element);
  }
  for (size_t i = threadIdx.x; i < head; i += kBlockThreads) {
    sum += pack_one(gradient[i], out + i, element);
  }
  for (size_t i = head + 4 * fours + threadIdx.x; i < n; i += kBlockThreads) {
    sum += pack_one(gradient[i], out + i, element);
  }
  return block_sum(sum);
}

// The tensors of a launch.
template <class Stored>
struct Parts {
  unsigned count = 0;
  unsigned ends[kMostParts];  // of each tensor's chunks, counted over all tensors
  PackPart<Stored> part[kMostParts];
};

template <class Stored>
__global__ void __launch_bounds__(kBlockThreads)
    pack_parts(const __grid_constant__ Parts<Stored> parts, float scale, double* partials) {
  unsigned low = 0, high = parts.count - 1;  // finds the tensor of this block's chunk
  while (low < high) {
    const unsigned middle = (low + high) / 2;
    if (blockIdx.x < parts.ends[middle]) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const PackPart<Stored>& part = parts.part[low];
  const unsigned begin = low == 0 ? 0 : parts.ends[low - 1];
  const size_t first = (blockIdx.x - begin) * kChunkElements;
  const double sum = pack_chunk(part.gradient + first, part.out + first,
                                min(kChunkElements, part.n - first), PackElement{scale});
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(kBlockThreads)
    norm_of_chunks(const float* values, size_t n, double* partials) {
  const size_t first = blockIdx.x * kChunkElements;
  const double sum = block_squared_norm(values + first, min(kChunkElements, n - first));
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

constexpr size_t kMostSums = 512;

// The end of each tensor's chunks.
struct Ends {
  unsigned first;
  unsigned end[kMostSums];
};

// A block a tensor.
__global__ void __launch_bounds__(kBlockThreads)
    sum_of_chunks(const double* partials, const __grid_constant__ Ends ends, DeviceStats* stats) {
  double sum = 0;
  const unsigned begin = blockIdx.x == 0 ? ends.first : ends.end[blockIdx.x - 1];
  for (unsigned i = begin + threadIdx.x; i < ends.end[blockIdx.x]; i += kBlockThreads) {
    sum += partials[i];
  }
  const double total = block_sum(sum);
  if (threadIdx.x == 0) stats[blockIdx.x] = {total, isfinite(total) ? 1 : 0};
}

// One block.
__global__ void __launch_bounds__(kBlockThreads)
    unusable_among(const DeviceStats* stats, size_t count, double most, int* unusable) {
  int found = 0;
  for (size_t k = threadIdx.x; k < count; k += kBlockThreads) {
    if (stats[k].finite == 0 || stats[k].squared_norm > most) found = 1;
  }
  const int any = __syncthreads_or(found);
  if (threadIdx.x == 0) *unusable = any != 0 ? 1 : 0;
}

template <class Stored>
void launch_pack(std::span<const PackPart<Stored>> tensors, float scale, double* partials,
                 cudaStream_t stream) {
  if (tensors.size() > kMostParts) throw std::logic_error("pack: too many tensors for a launch");
  Parts<Stored> parts;
  unsigned chunks = 0;
  for (const PackPart<Stored>& tensor : tensors) {
    chunks += static_cast<unsigned>(chunks_of(tensor.n));
    parts.ends[parts.count] = chunks;
    parts.part[parts.count] = tensor;
    ++parts.count;
  }
  if (chunks == 0) return;
  pack_parts<<<chunks, kBlockThreads, 0, stream>>>(parts, scale, partials);
  check_launch();
}

}  // namespace

void pack(std::span<const PackPart<float>> parts, float scale, double* partials,
          cudaStream_t stream) {
  launch_pack(parts, scale, partials, stream);
}

void pack(std::span<const PackPart<bf16>> parts, float scale, double* partials,
          cudaStream_t stream) {
  launch_pack(parts, scale, partials, stream);
}

void sum_partials(const double* partials, std::span<const uint32_t> ends, DeviceStats* stats,
                  cudaStream_t stream) {
  for (size_t done = 0; done < ends.size(); done += kMostSums) {
    const std::span<const uint32_t> now =
        ends.subspan(done, std::min(kMostSums, ends.size() - done));
    Ends arguments;
    arguments.first = done == 0 ? 0 : ends[done - 1];
    std::copy(now.begin(), now.end(), arguments.end);
    sum_of_chunks<<<static_cast<unsigned>(now.size()), kBlockThreads, 0, stream>>>(
        partials, arguments, stats + done);
    check_launch();
  }
}

void find_unusable(const DeviceStats* stats, size_t count, double most, int* unusable,
                   cudaStream_t stream) {
  unusable_among<<<1, kBlockThreads, 0, stream>>>(stats, count, most, unusable);
  check_launch();
}

void squared_norm(const float* values, size_t n, double* partials, DeviceStats* stats,
                  cudaStream_t stream) {
  const auto chunks = static_cast<unsigned>(chunks_of(n));
  if (chunks > 0) {
    norm_of_chunks<<<chunks, kBlockThreads, 0, stream>>>(values, n, partials);
    check_launch();
  }
  const uint32_t end = chunks;
  sum_partials(partials, {&end, 1}, stats, stream);
}

}  // namespace ringtrain::kernels::cuda
