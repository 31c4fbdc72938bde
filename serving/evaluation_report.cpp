// SPDX-License-Identifier: Apache-2.0
#include "serving/evaluation_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/terminal/printable.hpp"
#include "base/text.hpp"

namespace ringtrain::serving {
namespace {

using nlohmann::ordered_json;

double share(double part, double whole) { return whole == 0 ? 0 : part / whole; }

std::string percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.2f}%", 100 * share(static_cast<double>(part), static_cast<double>(whole)));
}

size_t longest(const std::vector<std::string>& names, size_t least) {
  for (const auto& name : names) least = std::max(least, name.size());
  return least;
}

std::vector<std::string> printable_names(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (const auto& name : names) shown.push_back(printable(name));
  return shown;
}

std::string class_lines(const EvaluationOfModel& found, const std::vector<std::string>& names) {
  const size_t width = longest(names, 5);
  std::string text = fmt::format("  {:<{}}  {:>8}  {:>8}  {:>9}\n", "class", width, "samples",
                                 "correct", "precision");
  for (size_t i = 0; i < found.classes.size(); ++i) {
    const ClassCounts& counts = found.classes[i];
    text += fmt::format("  {:<{}}  {:>8}  {:>8}  {:>9}\n", names[i], width,
                        print_count(counts.samples), percent(counts.correct, counts.samples),
                        percent(counts.correct, counts.predicted));
  }
  return text;
}

// A matrix of more classes is wider than a terminal.
constexpr size_t kMostInMatrix = 14;

// Returns the confusion matrix: a line for each label, a column for each predicted class.
std::string matrix_lines(const EvaluationOfModel& found, const std::vector<std::string>& names) {
  const size_t classes = names.size();
  const size_t width = longest(names, 5);
  size_t column = 4;
  for (const uint64_t samples : found.confusion) {
    column = std::max(column, std::to_string(samples).size());
  }
  std::string text = fmt::format(
      "confusion: a line for each class, a column for each prediction\n"
      "  {:<{}}",
      "", width);
  for (const auto& name : names) text += fmt::format("  {:>{}.{}}", name, column, column);
  for (size_t label = 0; label < classes; ++label) {
    text += fmt::format("\n  {:<{}}", names[label], width);
    for (size_t predicted = 0; predicted < classes; ++predicted) {
      text += fmt::format("  {:>{}}", found.confusion[label * classes + predicted], column);
    }
  }
  return text + "\n";
}

// Returns the pairs of classes that the model takes for each other most often.
std::string mistake_lines(const EvaluationOfModel& found, const std::vector<std::string>& names) {
  constexpr size_t kMostPairs = 10;
  const size_t classes = names.size();
  std::vector<size_t> pairs;
  for (size_t i = 0; i < found.confusion.size(); ++i) {
    if (found.confusion[i] > 0 && i / classes != i % classes) pairs.push_back(i);
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](size_t a, size_t b) { return found.confusion[a] > found.confusion[b]; });
  if (pairs.size() > kMostPairs) pairs.resize(kMostPairs);
  std::string text = pairs.empty() ? "" : "most frequent mistakes\n";
  for (const size_t pair : pairs) {
    text += fmt::format("  {} taken for {}: {}\n", names[pair / classes], names[pair % classes],
                        counted(found.confusion[pair], "time"));
  }
  return text;
}

std::string confusion_lines(const EvaluationOfModel& found, const std::vector<std::string>& names) {
  if (found.confusion.empty()) return "";
  return names.size() <= kMostInMatrix ? matrix_lines(found, names) : mistake_lines(found, names);
}

std::string worst_lines(const EvaluationOfModel& found, const std::vector<std::string>& names) {
  std::string text = found.worst.empty() ? "" : "worst samples\n";
  for (const WorstSample& sample : found.worst) {
    text += fmt::format("  row {}: loss {:.4g}", sample.row, sample.loss);
    if (!names.empty()) {
      text += fmt::format(", {} taken for {} ({:.1f}%)", names[sample.label],
                          names[sample.predicted], 100 * sample.probability);
    }
    text += '\n';
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

ordered_json confusion_json(const EvaluationOfModel& found) {
  const size_t classes = found.classes.size();
  auto rows = ordered_json::array();
  for (size_t label = 0; label < classes; ++label) {
    const auto begin = found.confusion.begin() + static_cast<std::ptrdiff_t>(label * classes);
    rows.push_back(std::vector<uint64_t>(begin, begin + static_cast<std::ptrdiff_t>(classes)));
  }
  return rows;
}

ordered_json worst_json(const EvaluationOfModel& found, const std::vector<std::string>& names) {
  auto samples = ordered_json::array();
  for (const WorstSample& sample : found.worst) {
    ordered_json one = {{"row", sample.row}, {"loss", sample.loss}};
    if (!names.empty()) {
      one["class"] = names[sample.label];
      one["predicted"] = names[sample.predicted];
      one["probability"] = sample.probability;
    }
    samples.push_back(one);
  }
  return samples;
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
                         {"predicted", found.classes[i].predicted},
                         {"correct", found.classes[i].correct}});
    }
    json["classes"] = classes;
    if (!found.confusion.empty()) json["confusion"] = confusion_json(found);
  } else if (!sums.squared.empty()) {
    const auto rmse = sums.rmse();
    const auto mae = sums.mae();
    auto targets = ordered_json::array();
    for (size_t k = 0; k < rmse.size(); ++k) {
      targets.push_back({{"target", model.targets.names[k]}, {"rmse", rmse[k]}, {"mae", mae[k]}});
    }
    json["targets"] = targets;
  }
  json["worst"] = worst_json(found, model.class_names);
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
  if (measured) text += target_lines(found, model.targets);
  const auto names = printable_names(model.class_names);
  if (!model.has_targets()) text += class_lines(found, names) + confusion_lines(found, names);
  return text + worst_lines(found, names);
}

}  // namespace ringtrain::serving
