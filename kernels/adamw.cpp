// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw.hpp"

#include <cmath>

#include "kernels/host_loops.hpp"

namespace ringtrain::kernels {
namespace {

RINGTRAIN_HOST_VARIANTS
void adamw_elements(const AdamwElement& factors, float* __restrict parameters,
                    const float* __restrict gradients, float* __restrict m, float* __restrict v,
                    size_t n) {
  const AdamwElement element = factors;
  for (size_t i = 0; i < n; ++i) element(parameters[i], gradients[i], m[i], v[i]);
}

}  // namespace

AdamwElement adamw_element(const AdamwStep& step) {
  const auto t = static_cast<double>(step.step);
  return {
      .gradient_scale = static_cast<float>(step.gradient_scale),
      .decay = static_cast<float>(1 - step.learning_rate * step.weight_decay),
      .one_minus_beta1 = static_cast<float>(1 - step.beta1),
      .beta2 = static_cast<float>(step.beta2),
      .one_minus_beta2 = static_cast<float>(1 - step.beta2),
      .step_size = static_cast<float>(step.learning_rate / (1 - std::pow(step.beta1, t))),
      .root_of_correction = static_cast<float>(std::sqrt(1 - std::pow(step.beta2, t))),
      .epsilon = static_cast<float>(step.epsilon),
  };
}

void adamw_step(const AdamwStep& step, float* parameters, const float* gradients, float* m,
                float* v, size_t n) {
  adamw_elements(adamw_element(step), parameters, gradients, m, v, n);
}

}  // namespace ringtrain::kernels
