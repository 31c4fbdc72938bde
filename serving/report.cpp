// SPDX-License-Identifier: Apache-2.0
#include "serving/report.hpp"

#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/terminal/printable.hpp"

namespace ringtrain::serving {

Prediction predict_classes(const datasets::DatasetIndex& model, const at::Tensor& outputs,
                           int64_t top) {
  const auto& names = model.class_names;
  top = std::min(top, static_cast<int64_t>(names.size()));
  const auto [values, indices] = at::topk(at::softmax(outputs, 1).flatten(), top);
  Prediction found{.text = "", .json = nlohmann::ordered_json::array()};
  for (int64_t i = 0; i < top; ++i) {
    const std::string& name = names.at(static_cast<size_t>(indices[i].item<int64_t>()));
    const double probability = values[i].item<double>();
    found.text +=
        fmt::format("{}{} {:.1f}%", i == 0 ? "" : ", ", printable(name), 100 * probability);
    found.json.push_back({{"class", name}, {"probability", probability}});
  }
  return found;
}

Prediction predict_targets(const Objective& objective, const datasets::DatasetIndex& model,
                           const at::Tensor& outputs) {
  const at::Tensor values = objective.values(outputs).flatten();
  Prediction found{.text = "", .json = nlohmann::ordered_json::array()};
  for (size_t k = 0; k < model.targets.names.size(); ++k) {
    const double value = values[static_cast<int64_t>(k)].item<double>();
    found.text +=
        fmt::format("{}{} {:.6g}", k == 0 ? "" : ", ", printable(model.targets.names[k]), value);
    found.json.push_back({{"target", model.targets.names[k]}, {"value", value}});
  }
  return found;
}

}  // namespace ringtrain::serving
