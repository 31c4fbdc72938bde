// SPDX-License-Identifier: Apache-2.0
#include "job/models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/terminal/suggest.hpp"

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

std::string why_too_small(std::string_view model, int64_t height, int64_t width) {
  // So that a pixel is left after the last pooling: lenet5 pads by 2 and has two 5x5 convolutions
  // with pooling after each, lenet two 3x3 convolutions with pooling after both.
  const int64_t pixels = model == "lenet5" ? 12 : model == "lenet" ? 6 : 1;
  if (height >= pixels && width >= pixels) return "";
  return fmt::format(
      "model {} needs samples of at least {} x {} pixels, but the dataset's are {} x {}; choose "
      "model: mlp, or larger samples",
      model, pixels, pixels, height, width);
}

std::string zoo_model_list() { return fmt::format("{}", fmt::join(kZooModels, ", ")); }

std::string closest_zoo_model(std::string_view model) {
  const std::vector<std::string> names(kZooModels.begin(), kZooModels.end());
  return closest(model, names);
}

}  // namespace ringtrain
