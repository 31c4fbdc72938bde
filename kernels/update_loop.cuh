// SPDX-License-Identifier: Apache-2.0
// The loop that all optimizers share: element(parameter, gradient, state...) for every element.
#pragma once

#include <cstddef>

#include "kernels/cuda_loops.cuh"

namespace ringtrain::kernels::cuda {

template <class Element, class... Four>
__device__ inline void update_four(const Element& element, float4& p, const float4& g,
                                   Four&... state) {
  element(p.x, g.x, state.x...);
  element(p.y, g.y, state.y...);
  element(p.z, g.z, state.z...);
  element(p.w, g.w, state.w...);
}

// Four elements from i on. `states` are the state arrays' values, in registers until stored.
template <class Element, class... State>
__device__ inline void update_four_at(const Element& element, size_t i, float* parameters,
                                      const float* gradients, State*... states) {
  float4 p = load_four(parameters + i);
  const float4 g = load_four(gradients + i);
  const auto update = [&](auto... values) {
    update_four(element, p, g, values...);
    (store_four(states + i, values), ...);
  };
  update(load_four(states + i)...);
  store_four(parameters + i, p);
}

template <class Element, class... State>
__global__ void __launch_bounds__(kBlockThreads)
    update_all(Element element, size_t n, size_t head, const int* skip, float* parameters,
               const float* gradients, State*... states) {
  if (skip != nullptr && *skip != 0) return;
  for_each_in_fours(
      n, head, grid_index(), grid_size(),
      [&](size_t i) { update_four_at(element, i, parameters, gradients, states...); },
      [&](size_t i) { element(parameters[i], gradients[i], states[i]...); });
}

template <class Element, class... State>
void launch_update(const Element& element, size_t n, cudaStream_t stream, const int* skip,
                   float* parameters, const float* gradients, State*... states) {
  if (n == 0) return;
  update_all<<<blocks_for(n, 4 * kBlockThreads), kBlockThreads, 0, stream>>>(
      element, n, scalar_head(n, parameters, gradients, states...), skip, parameters, gradients,
      states...);
  check_launch();
}

}  // namespace ringtrain::kernels::cuda
