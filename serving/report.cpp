// SPDX-License-Identifier: Apache-2.0
#include "serving/report.hpp"

#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/terminal/printable.hpp"
#include "base/text.hpp"

namespace ringtrain::serving {
namespace {

using nlohmann::ordered_json;

double share(double part, double whole) { return whole == 0 ? 0 : part / whole; }

size_t longest(const std::vector<std::string>& names, size_t least) {
  for (const auto& name : names) least = std::max(least, name.size());
  return least;
}

std::vector<std::string> printable_names(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (const auto& name : names) shown.push_back(printable(name));
  return shown;
}

std::string class_lines(const EvaluationOfModel& found, const std::vector<std::string>& given) {
  const auto names = printable_names(given);
  const size_t width = longest(names, 5);
  std::string text = fmt::format("  {:<{}}  {:>8}  {:>8}\n", "class", width, "samples", "correct");
  for (size_t i = 0; i < found.classes.size(); ++i) {
    const ClassCounts& counts = found.classes[i];
    const double right =
        share(static_cast<double>(counts.correct), static_cast<double>(counts.samples));
    text += fmt::format("  {:<{}}  {:>8}  {:>8}\n", names[i], width, print_count(counts.samples),
                        counts.samples == 0 ? "-" : fmt::format("{:.2f}%", 100 * right));
  }
  return text;
}

// A std beside the errors: a model that always says the mean misses by it.
std::string target_lines(const EvaluationOfModel& found, const datasets::Targets& targets) {
  const auto rmse = found.sums.rmse();
  const auto mae = found.sums.mae();
  const auto names = printable_names(targets.names);
  const size_t width = longest(names, 6);
  std::string text =
      fmt::format("  {:<{}}  {:>10}  {:>10}  {:>10}\n", "target", width, "rmse", "mae", "std");
  for (size_t k = 0; k < rmse.size(); ++k) {
    text += fmt::format("  {:<{}}  {:>10.5g}  {:>10.5g}  {:>10.5g}\n", names[k], width, rmse[k],
                        mae[k], targets.std[k]);
  }
  return text;
}

}  // namespace

ordered_json evaluation_json(const EvaluationOfModel& found, const datasets::DatasetIndex& model) {
  const ErrorSums& sums = found.sums;
  ordered_json json = {{"samples", static_cast<uint64_t>(sums.samples)}};
  if (sums.squared.empty()) {
    json["correct"] = static_cast<uint64_t>(sums.right);
    json["accuracy"] = share(sums.right, sums.answers);
  }
  json["loss"] = share(sums.loss, sums.samples);
  if (!model.has_targets()) {
    auto classes = ordered_json::array();
    for (size_t i = 0; i < found.classes.size(); ++i) {
      classes.push_back({{"class", model.class_names[i]},
                         {"samples", found.classes[i].samples},
                         {"correct", found.classes[i].correct}});
    }
    json["classes"] = classes;
  } else if (!sums.squared.empty()) {
    const auto rmse = sums.rmse();
    const auto mae = sums.mae();
    auto targets = ordered_json::array();
    for (size_t k = 0; k < rmse.size(); ++k) {
      targets.push_back({{"target", model.targets.names[k]}, {"rmse", rmse[k]}, {"mae", mae[k]}});
    }
    json["targets"] = targets;
  }
  return json;
}

std::string evaluation_text(const EvaluationOfModel& found, const datasets::DatasetIndex& model,
                            const std::string& split) {
  const ErrorSums& sums = found.sums;
  const bool measured = !sums.squared.empty();
  std::string text = fmt::format("{} {}", print_count(sums.samples),
                                 split + (sums.samples == 1 ? " sample" : " samples"));
  if (!measured) text += fmt::format(", accuracy {:.2f}%", 100 * share(sums.right, sums.answers));
  text += fmt::format(", loss {:.4f}\n", share(sums.loss, sums.samples));
  if (measured) return text + target_lines(found, model.targets);
  return model.has_targets() ? text : text + class_lines(found, model.class_names);
}

Prediction predict_classes(const datasets::DatasetIndex& model, const at::Tensor& outputs,
                           int64_t top) {
  const auto& names = model.class_names;
  top = std::min(top, static_cast<int64_t>(names.size()));
  const auto [values, indices] = at::topk(at::softmax(outputs, 1).flatten(), top);
  Prediction found{.text = "", .json = ordered_json::array()};
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
  Prediction found{.text = "", .json = ordered_json::array()};
  for (size_t k = 0; k < model.targets.names.size(); ++k) {
    const double value = values[static_cast<int64_t>(k)].item<double>();
    found.text +=
        fmt::format("{}{} {:.6g}", k == 0 ? "" : ", ", printable(model.targets.names[k]), value);
    found.json.push_back({{"target", model.targets.names[k]}, {"value", value}});
  }
  return found;
}

}  // namespace ringtrain::serving
