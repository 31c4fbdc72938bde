// SPDX-License-Identifier: Apache-2.0
// Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW defines it:
//
//   g = gradient_scale * gradient
//   parameter *= 1 - learning_rate * weight_decay
//   m += (1 - beta1) * (g - m)
//   v = beta2 * v + (1 - beta2) * g * g
//   parameter -= learning_rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element.hpp"

namespace ringtrain::kernels {

struct AdamwStep {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  int64_t step = 1;           // t: 1 for the first step
  double gradient_scale = 1;  // below 1 where gradients are clipped by their global norm
};

// The factors of one step, worked out in double as PyTorch does, then rounded once.
struct AdamwElement {
  float gradient_scale;
  float decay;  // 1 - learning_rate * weight_decay
  float one_minus_beta1;
  float beta2;
  float one_minus_beta2;
  float step_size;           // learning_rate / (1 - beta1^t)
  float root_of_correction;  // sqrt(1 - beta2^t)
  float epsilon;

  RINGTRAIN_HOST_DEVICE void operator()(float& parameter, float gradient, float& m,
                                        float& v) const {
    const float g = gradient_scale * gradient;
    m += one_minus_beta1 * (g - m);
    v = beta2 * v + one_minus_beta2 * (g * g);
#ifdef __CUDA_ARCH__
    const float root = sqrtf(v);
#else
    const float root = __builtin_sqrtf(v);
#endif
    const float denominator = root / root_of_correction + epsilon;
    parameter = decay * parameter - step_size * (m / denominator);
  }
};

AdamwElement adamw_element(const AdamwStep& step);

// Updates n parameters and both moments (zeros before step 1) in host memory, at any alignment; the
// arrays must not overlap.
void adamw_step(const AdamwStep& step, float* parameters, const float* gradients, float* m,
                float* v, size_t n);

}  // namespace ringtrain::kernels
