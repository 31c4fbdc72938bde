// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizers_cuda.hpp"
#include "kernels/update_loop.cuh"

namespace ringtrain::kernels::cuda {

void lars_step(const LarsStep& step, float* parameters, const float* gradients, float* momentum,
               size_t n, cudaStream_t stream) {
  launch_update(LarsElement{step}, n, stream, /*skip=*/nullptr, parameters, gradients, momentum);
}

}  // namespace ringtrain::kernels::cuda
