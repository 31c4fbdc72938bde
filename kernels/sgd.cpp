// SPDX-License-Identifier: Apache-2.0
#include "kernels/sgd.hpp"

#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

RINGTRAIN_HOST_VARIANTS
void step_with_momentum(const SgdStep& step, float* __restrict parameters,
                        const float* __restrict gradients, float* __restrict momentum, size_t n) {
  const SgdElement element{step};
  for (size_t i = 0; i < n; ++i) element(parameters[i], gradients[i], momentum[i]);
}

RINGTRAIN_HOST_VARIANTS
void step_without_momentum(const SgdStep& step, float* __restrict parameters,
                           const float* __restrict gradients, size_t n) {
  const SgdElement element{step};
  for (size_t i = 0; i < n; ++i) element(parameters[i], gradients[i]);
}

}  // namespace

void sgd_step(const SgdStep& step, float* parameters, const float* gradients, float* momentum,
              size_t n) {
  if (step.momentum == 0) {
    step_without_momentum(step, parameters, gradients, n);
  } else {
    step_with_momentum(step, parameters, gradients, momentum, n);
  }
}

}  // namespace ringtrain::kernels
