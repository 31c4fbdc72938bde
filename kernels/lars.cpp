// SPDX-License-Identifier: Apache-2.0
#include "kernels/lars.hpp"

#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

RINGTRAIN_HOST_VARIANTS
double squared_norm_of(const float* values, size_t n) {
  return add_squares(
      n, [=](size_t first, size_t) RINGTRAIN_INLINE { return values + first; }, 0);
}

RINGTRAIN_HOST_VARIANTS
void lars_elements(const LarsStep& step, float* __restrict parameters,
                   const float* __restrict gradients, float* __restrict momentum, size_t n) {
  const LarsElement element{step};
  for (size_t i = 0; i < n; ++i) element(parameters[i], gradients[i], momentum[i]);
}

}  // namespace

double squared_norm(const float* values, size_t n) { return squared_norm_of(values, n); }

void lars_step(const LarsStep& step, float* parameters, const float* gradients, float* momentum,
               size_t n) {
  lars_elements(step, parameters, gradients, momentum, n);
}

}  // namespace ringtrain::kernels
