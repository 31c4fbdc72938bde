// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizers_cuda.hpp"
#include "kernels/update_loop.cuh"

namespace ringtrain::kernels::cuda {

void adamw_step(const AdamwStep& step, float* parameters, const float* gradients, float* m,
                float* v, size_t n, cudaStream_t stream, const int* skip) {
  launch_update(adamw_element(step), n, stream, skip, parameters, gradients, m, v);
}

}  // namespace ringtrain::kernels::cuda
