// SPDX-License-Identifier: Apache-2.0
#include "job/models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/suggest.hpp"

namespace ringtrain {
namespace {

constexpr std::array<std::string_view, 6> kZooModels = {"mlp",      "lenet5",   "lenet",
                                                        "resnet18", "resnet34", "resnet50"};

}  // namespace

bool is_zoo_model(std::string_view model) {
  return std::find(kZooModels.begin(), kZooModels.end(), model) != kZooModels.end();
}

bool is_torchscript_path(std::string_view model) {
  return model.find('/') != std::string_view::npos || model.ends_with(".pt");
}

std::string zoo_model_list() { return fmt::format("{}", fmt::join(kZooModels, ", ")); }

std::string closest_zoo_model(std::string_view model) {
  const std::vector<std::string> names(kZooModels.begin(), kZooModels.end());
  return closest(model, names);
}

}  // namespace ringtrain
