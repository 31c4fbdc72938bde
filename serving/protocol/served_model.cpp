// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/served_model.hpp"

#include <algorithm>
#include <cmath>

namespace ringtrain::serving {

std::string_view datatype_of(datasets::ElementType element) {
  switch (element) {
    case datasets::ElementType::u8:
      return "UINT8";
    case datasets::ElementType::i64:
      return "INT64";
    case datasets::ElementType::f32:
      break;
  }
  return "FP32";
}

std::vector<float> probabilities_of(const float* outputs, size_t classes) {
  std::vector<float> result(outputs, outputs + classes);
  const float largest = *std::max_element(result.begin(), result.end());
  float sum = 0;
  for (float& value : result) sum += value = std::exp(value - largest);
  for (float& value : result) value /= sum;
  return result;
}

std::vector<float> values_of(const ServedModel& model, const float* outputs) {
  std::vector<float> result(outputs, outputs + model.width());
  const datasets::Targets& targets = model.samples.targets;
  for (size_t k = 0; k < result.size(); ++k) {
    result[k] = model.loss == JobSpec::Loss::bce_with_logits
                    ? 1 / (1 + std::exp(-result[k]))
                    : result[k] * targets.std[k] + targets.mean[k];
  }
  return result;
}

}  // namespace ringtrain::serving
