// SPDX-License-Identifier: Apache-2.0
// The table of update rules by kind and device, and the settings that both devices' rules share.
//
// A new optimizer is a kernel with its step struct, a function here that fills the struct, and a
// row in the table of each device.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/lars.hpp"
#include "kernels/sgd.hpp"
#include "runtime/optim/update_rule.hpp"

namespace ringtrain {

struct RuleRow {
  OptimizerSpec::Type kind;
  UpdateRule (*make)(const OptimizerSpec& spec, const Device& device);
};

// A part of the table a device. Empty for CUDA in a build without it.
std::span<const RuleRow> cpu_rules();
std::span<const RuleRow> cuda_rules();

inline std::vector<std::string> sgd_states(const OptimizerSpec& spec) {
  if (spec.momentum == 0) return {};
  return {"momentum"};
}

inline kernels::SgdStep sgd_step(const OptimizerSpec& spec, const UpdateFactors& factors) {
  return {.learning_rate = static_cast<float>(factors.learning_rate),
          .momentum = static_cast<float>(spec.momentum),
          .weight_decay = static_cast<float>(spec.weight_decay),
          .nesterov = spec.nesterov,
          .gradient_scale = static_cast<float>(factors.gradient_scale)};
}

inline kernels::AdamwStep adamw_step(const OptimizerSpec& spec, const UpdateFactors& factors) {
  return {.learning_rate = factors.learning_rate,
          .beta1 = spec.beta1,
          .beta2 = spec.beta2,
          .epsilon = spec.epsilon,
          .weight_decay = spec.weight_decay,
          .step = factors.step,
          .gradient_scale = factors.gradient_scale};
}

// Biases and normalisation weights, tensors of one dimension, are neither decayed nor rescaled.
inline kernels::LarsStep lars_step(const OptimizerSpec& spec, const UpdateFactors& factors,
                                   const TensorFacts& tensor) {
  const kernels::LarsRate rate = {.trust = spec.trust,
                                  .weight_decay = spec.weight_decay,
                                  .epsilon = spec.epsilon,
                                  .gradient_scale = factors.gradient_scale};
  const bool adapts = tensor.dimensions > 1;
  return {.learning_rate = static_cast<float>(factors.learning_rate),
          .local_rate =
              adapts ? rate(tensor.parameters_squared_norm, tensor.gradients_squared_norm) : 1.0F,
          .momentum = static_cast<float>(spec.momentum),
          .weight_decay = adapts ? static_cast<float>(spec.weight_decay) : 0.0F,
          .gradient_scale = static_cast<float>(factors.gradient_scale)};
}

}  // namespace ringtrain
