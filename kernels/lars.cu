// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "kernels/cuda_loops.cuh"
#include "kernels/optimizers_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

__device__ void step_range(const LarsElement& element, float* parameters, const float* gradients,
                           float* momentum, size_t n, size_t index, size_t count) {
  for_each_in_fours(
      n, scalar_head(n, parameters, gradients, momentum), index, count,
      [&](size_t i) {
        float4 p = load_four(parameters + i);
        const float4 g = load_four(gradients + i);
        float4 v = load_four(momentum + i);
        element(p.x, g.x, v.x);
        element(p.y, g.y, v.y);
        element(p.z, g.z, v.z);
        element(p.w, g.w, v.w);
        store_four(parameters + i, p);
        store_four(momentum + i, v);
      },
      [&](size_t i) { element(parameters[i], gradients[i], momentum[i]); });
}

__global__ void __launch_bounds__(block_threads)
    step_tensor(const LarsStep* step, const DeviceStats* stats, float* parameters,
                const float* gradients, float* momentum, size_t n) {
  if (stats != nullptr && stats->finite == 0) return;
  step_range(LarsElement{*step}, parameters, gradients, momentum, n, grid_index(), grid_size());
}

__global__ void __launch_bounds__(block_threads)
    norms_of_chunks(const Chunk* chunks, const float* parameters, const float* gradients,
                    LarsTable::SquaredNorms* partials) {
  const Chunk chunk = chunks[blockIdx.x];
  const double p = block_squared_norm(parameters + chunk.out, chunk.elements);
  const double g = block_squared_norm(gradients + chunk.out, chunk.elements);
  if (threadIdx.x == 0) partials[blockIdx.x] = {p, g};
}

// One block a tensor.
__global__ void __launch_bounds__(block_threads)
    rates_of_tensors(const LarsTable::Place* places, const LarsTable::SquaredNorms* partials,
                     const LarsFactors* factors, float* rates) {
  const LarsTable::Place place = places[blockIdx.x];
  double p = 0;
  double g = 0;
  for (unsigned i = threadIdx.x; i < place.chunks; i += blockDim.x) {
    p += partials[place.first_chunk + i].parameters;
    g += partials[place.first_chunk + i].gradients;
  }
  p = block_sum(p);
  g = block_sum(g);
  if (threadIdx.x == 0) rates[blockIdx.x] = place.adapts ? factors->rate(p, g) : 1.0F;
}

__global__ void __launch_bounds__(block_threads)
    step_chunks(const Chunk* chunks, const float* rates, const LarsFactors* factors,
                const DeviceStats* stats, float* parameters, const float* gradients,
                float* momentum) {
  if (stats != nullptr && stats->finite == 0) return;
  const Chunk chunk = chunks[blockIdx.x];
  LarsElement element{factors->step};
  element.step.local_rate = rates[chunk.tensor];
  step_range(element, parameters + chunk.out, gradients + chunk.out, momentum + chunk.out,
             chunk.elements, threadIdx.x, blockDim.x);
}

std::vector<Chunk> chunks_of_tensors(std::span<const LarsTable::Tensor> tensors) {
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

std::vector<LarsTable::Place> places_of(std::span<const LarsTable::Tensor> tensors) {
  std::vector<LarsTable::Place> places;
  uint32_t first = 0;
  for (const LarsTable::Tensor& tensor : tensors) {
    const auto chunks = static_cast<uint32_t>(chunks_of(tensor.elements));
    places.push_back({first, chunks, tensor.adapts});
    first += chunks;
  }
  return places;
}

}  // namespace

void lars_step(const LarsStep* step, const DeviceStats* stats, float* parameters,
               const float* gradients, float* momentum, size_t n, cudaStream_t stream) {
  if (n == 0) return;
  step_tensor<<<blocks_for(n, 4 * block_threads), block_threads, 0, stream>>>(
      step, stats, parameters, gradients, momentum, n);
  check_launch();
}

LarsTable::LarsTable(std::span<const Tensor> tensors)
    : chunks_(chunks_of_tensors(tensors)),
      places_(places_of(tensors)),
      partials_(chunks_.size()),
      rates_(tensors.size()) {}

void LarsTable::step(const LarsFactors* factors, const DeviceStats* stats, float* parameters,
                     const float* gradients, float* momentum, cudaStream_t stream) const {
  if (chunks_.size() == 0) return;
  const auto chunks = static_cast<unsigned>(chunks_.size());
  norms_of_chunks<<<chunks, block_threads, 0, stream>>>(chunks_.data(), parameters, gradients,
                                                        partials_.data());
  check_launch();
  rates_of_tensors<<<static_cast<unsigned>(places_.size()), block_threads, 0, stream>>>(
      places_.data(), partials_.data(), factors, rates_.data());
  check_launch();
  step_chunks<<<chunks, block_threads, 0, stream>>>(chunks_.data(), rates_.data(), factors, stats,
                                                    parameters, gradients, momentum);
  check_launch();
}

}  // namespace ringtrain::kernels::cuda
