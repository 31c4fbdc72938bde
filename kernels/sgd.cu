// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizers_cuda.hpp"
#include "kernels/update_loop.cuh"

namespace ringtrain::kernels::cuda {

void sgd_step(const SgdStep& step, float* parameters, const float* gradients, float* momentum,
              size_t n, cudaStream_t stream, const int* skip) {
  if (step.momentum == 0) {
    launch_update(SgdElement{step}, n, stream, skip, parameters, gradients);
  } else {
    launch_update(SgdElement{step}, n, stream, skip, parameters, gradients, momentum);
  }
}

}  // namespace ringtrain::kernels::cuda
