// SPDX-License-Identifier: Apache-2.0
#include "job/models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ringtrain {

bool is_zoo_model(std::string_view model) {
  return std::find(zoo_models.begin(), zoo_models.end(), model) != zoo_models.end();
}

bool is_torchscript_path(std::string_view model) {
  return model.find('/') != std::string_view::npos || model.ends_with(".pt");
}

std::string zoo_model_list() { return fmt::format("{}", fmt::join(zoo_models, ", ")); }

}  // namespace ringtrain
