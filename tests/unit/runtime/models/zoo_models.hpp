// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/models/model.hpp"

namespace ringtrain {

// A model for square images.
inline ModelOptions options_for(const std::string& name, int64_t channels, int64_t pixels,
                                int64_t classes = 10, uint64_t seed = 1) {
  ModelOptions options;
  options.name = name;
  options.channels = channels;
  options.height = pixels;
  options.width = pixels;
  options.classes = classes;
  options.seed = seed;
  return options;
}

inline std::vector<std::string> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& item : tensors) names.push_back(item.name);
  return names;
}

inline int64_t values_in(const std::vector<NamedTensor>& tensors) {
  return std::accumulate(tensors.begin(), tensors.end(), int64_t{0},
                         [](int64_t sum, const auto& item) { return sum + item.tensor.numel(); });
}

}  // namespace ringtrain
