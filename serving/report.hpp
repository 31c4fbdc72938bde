// SPDX-License-Identifier: Apache-2.0
// What a model makes of a sample, as text for people and as JSON for programs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "datasets/format/dataset_index.hpp"
#include "runtime/tasks/objective.hpp"

namespace ringtrain::serving {

struct Prediction {
  std::string text;
  nlohmann::ordered_json json;  // an array
};

// outputs: [1, classes]. Returns the `top` likeliest classes, the best first.
Prediction predict_classes(const datasets::DatasetIndex& model, const at::Tensor& outputs,
                           int64_t top);

// outputs: [1, targets]. Returns the value of each target, in its own unit, or its probability.
Prediction predict_targets(const Objective& objective, const datasets::DatasetIndex& model,
                           const at::Tensor& outputs);

}  // namespace ringtrain::serving
