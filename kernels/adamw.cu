// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda_loops.cuh"
#include "kernels/optimizers_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

__global__ void __launch_bounds__(block_threads)
    step_all(const AdamwElement* step, const DeviceStats* stats, float* parameters,
             const float* gradients, float* first_moment, float* second_moment, size_t n,
             size_t head) {
  if (stats != nullptr && stats->finite == 0) return;
  const AdamwElement element = *step;
  for_each_in_fours(
      n, head, grid_index(), grid_size(),
      [&](size_t i) {
        float4 p = load_four(parameters + i);
        const float4 g = load_four(gradients + i);
        float4 m = load_four(first_moment + i);
        float4 v = load_four(second_moment + i);
        element(p.x, g.x, m.x, v.x);
        element(p.y, g.y, m.y, v.y);
        element(p.z, g.z, m.z, v.z);
        element(p.w, g.w, m.w, v.w);
        store_four(parameters + i, p);
        store_four(first_moment + i, m);
        store_four(second_moment + i, v);
      },
      [&](size_t i) { element(parameters[i], gradients[i], first_moment[i], second_moment[i]); });
}

}  // namespace

void adamw_step(const AdamwElement* step, const DeviceStats* stats, float* parameters,
                const float* gradients, float* m, float* v, size_t n, cudaStream_t stream) {
  if (n == 0) return;
  step_all<<<blocks_for(n, 4 * block_threads), block_threads, 0, stream>>>(
      step, stats, parameters, gradients, m, v, n, scalar_head(n, parameters, gradients, m, v));
  check_launch();
}

}  // namespace ringtrain::kernels::cuda
