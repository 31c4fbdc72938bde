// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_loops.cuh"
#include "kernels/optimizers_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

__global__ void __launch_bounds__(block_threads)
    step_all(const SgdStep* step, const DeviceStats* stats, float* parameters,
             const float* gradients, float* momentum, size_t n, size_t head) {
  if (stats != nullptr && stats->finite == 0) return;
  const SgdElement element{*step};
  if (element.step.momentum == 0) {
    for_each_in_fours(
        n, head, grid_index(), grid_size(),
        [&](size_t i) {
          float4 p = load_four(parameters + i);
          const float4 g = load_four(gradients + i);
          element(p.x, g.x);
          element(p.y, g.y);
          element(p.z, g.z);
          element(p.w, g.w);
          store_four(parameters + i, p);
        },
        [&](size_t i) { element(parameters[i], gradients[i]); });
    return;
  }
  for_each_in_fours(
      n, head, grid_index(), grid_size(),
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

}  // namespace

void sgd_step(const SgdStep* step, const DeviceStats* stats, float* parameters,
              const float* gradients, float* momentum, size_t n, cudaStream_t stream) {
  if (n == 0) return;
  const size_t head = momentum == nullptr ? scalar_head(n, parameters, gradients)
                                          : scalar_head(n, parameters, gradients, momentum);
  step_all<<<blocks_for(n, 4 * block_threads), block_threads, 0, stream>>>(
      step, stats, parameters, gradients, momentum, n, head);
  check_launch();
}

}  // namespace ringtrain::kernels::cuda
