// SPDX-License-Identifier: Apache-2.0
// Layer-wise adaptive rate scaling (You, Gitman and Ginsburg 2017, "Large batch training of
// convolutional networks"): each tensor's step is made proportional to its own norm.
//
//   g = gradient_scale * gradient
//   local_rate = trust * |parameters| / (|g| + weight_decay * |parameters| + epsilon)
//   v = momentum * v + learning_rate * local_rate * (g + weight_decay * parameter)
//   parameter -= v
//
// The learning rate is inside the velocity, as in the paper: a schedule changes new contributions
// alone.
#pragma once

#include <cstddef>

#include "kernels/element.hpp"

namespace ringtrain::kernels {

struct LarsStep {
  float learning_rate = 0;  // global: the schedule's
  float local_rate = 1;     // lars_local_rate; 1 for biases and normalisation weights
  float momentum = 0;
  float weight_decay = 0;
  float gradient_scale = 1;  // below 1 where gradients are clipped by their global norm
};

struct LarsElement {
  LarsStep step;

  RINGTRAIN_HOST_DEVICE void operator()(float& parameter, float gradient, float& velocity) const {
    const float rate = step.learning_rate * step.local_rate;
    const float g = step.gradient_scale * gradient + step.weight_decay * parameter;
    velocity = step.momentum * velocity + rate * g;
    parameter -= velocity;
  }
};

// The local rate from the squared norms of one tensor's parameters and of its gradients before
// gradient_scale. It is 1 where either norm is 0 (a tensor that starts at zero could never leave it
// otherwise).
struct LarsRate {
  double trust = 0.001;
  double weight_decay = 0;
  double epsilon = 0;
  double gradient_scale = 1;

  RINGTRAIN_HOST_DEVICE float operator()(double parameters_squared_norm,
                                         double gradients_squared_norm) const {
#ifdef __CUDA_ARCH__
    const double parameters_norm = sqrt(parameters_squared_norm);
    const double gradients_norm = gradient_scale * sqrt(gradients_squared_norm);
#else
    const double parameters_norm = __builtin_sqrt(parameters_squared_norm);
    const double gradients_norm = gradient_scale * __builtin_sqrt(gradients_squared_norm);
#endif
    if (!(parameters_norm > 0 && gradients_norm > 0)) return 1;
    return static_cast<float>(trust * parameters_norm /
                              (gradients_norm + weight_decay * parameters_norm + epsilon));
  }
};

// The sum of squares of n elements in host memory, in double, in the order of pack.hpp.
double squared_norm(const float* values, size_t n);

// Updates n parameters of one tensor and their momentum in host memory, at any alignment; the
// arrays must not overlap.
void lars_step(const LarsStep& step, float* parameters, const float* gradients, float* momentum,
               size_t n);

}  // namespace ringtrain::kernels
