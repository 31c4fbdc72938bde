// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Factors of one step, the same for all parameters.
struct UpdateFactors {
  double learning_rate = 0;
  double gradient_scale = 1;  // below 1 where gradients are clipped by their global norm
  int64_t step = 1;           // 1 for the first
};

// A whole tensor, for rules that treat each by its norm.
struct TensorFacts {
  int64_t dimensions = 0;
  double parameters_squared_norm = 0;
  double gradients_squared_norm = 0;  // before gradient_scale
};

// Neighbouring elements to update, in memory of the device.
struct UpdateArrays {
  static constexpr size_t kMostStates = 2;

  float* parameters = nullptr;                  // [n]
  std::span<const float* const> gradients;      // [n] each; their sum is the gradient
  std::array<float*, kMostStates> states = {};  // [n] each, as many as the rule has names for
  size_t n = 0;
  const int* skip = nullptr;  // nothing is updated where it is not 0 by then; null: always updated
};

// The arithmetic of one optimizer on one device.
struct UpdateRule {
  // Names of the state kept for every parameter, zero at first.
  std::vector<std::string> states;
  // True if the rule needs TensorFacts, and updates each tensor by itself.
  bool per_tensor = false;
  // True if step() takes several gradients and adds them on the way.
  bool adds_slabs = false;
  std::function<void(const UpdateFactors&, const UpdateArrays&, const TensorFacts&)> step;
  // Returns the sum of squares of each array in memory of the device, in double. A GPU is waited
  // for once.
  std::function<std::vector<double>(std::span<const std::span<const float>>)> squared_norms;
};

// Returns the job's rule on this device, from the tables in rules_cpu.cpp and rules_cuda.cpp.
// `device` must outlive it.
UpdateRule make_update_rule(const OptimizerSpec& spec, const Device& device);

}  // namespace ringtrain
