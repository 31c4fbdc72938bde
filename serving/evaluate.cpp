// SPDX-License-Identifier: Apache-2.0
#include "serving/evaluate.hpp"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include "base/error.hpp"

namespace ringtrain::serving {
namespace {

constexpr uint64_t kBatch = 256;

std::string print_shape(const datasets::Shape& shape) {
  return fmt::format("{} x {} x {}", shape.channels, shape.height, shape.width);
}

void check_fit(const datasets::DatasetIndex& model, const datasets::DatasetIndex& dataset) {
  const std::string& path = dataset.shards.at(0).path;
  if (dataset.shape != model.shape || dataset.element != model.element) {
    throw data_error(fmt::format("{} has samples of {} {}; the model was trained on {} {}", path,
                                 print_shape(dataset.shape), name_of(dataset.element),
                                 print_shape(model.shape), name_of(model.element)));
  }
  if (dataset.class_names != model.class_names) {
    throw data_error(fmt::format("{} has {} classes that are not the model's {}, by number or name",
                                 path, dataset.class_names.size(), model.class_names.size()));
  }
}

}  // namespace

EvaluationOfModel evaluate(TrainedModel& model, const datasets::DatasetIndex& dataset,
                           datasets::Split split) {
  check_fit(model.samples(), dataset);
  EvaluationOfModel result;
  result.classes.resize(dataset.class_names.size());
  datasets::Reader reader(dataset, split, {.batch_size = kBatch, .shuffle = false});
  reader.start(0);
  double loss = 0;
  while (const auto* batch = reader.next()) {
    const at::Tensor logits = model.logits(*batch);
    const auto rows = static_cast<int64_t>(batch->rows);
    const at::Tensor labels = at::from_blob(const_cast<int64_t*>(batch->y), {rows}, at::kLong);
    loss += at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
    const at::Tensor best = logits.argmax(1).contiguous();
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t label = batch->y[row];
      const bool correct = best.const_data_ptr<int64_t>()[row] == label;
      ClassCounts& counts = result.classes[static_cast<size_t>(label)];
      ++counts.samples;
      counts.correct += correct ? 1 : 0;
      result.correct += correct ? 1 : 0;
    }
    result.samples += batch->rows;
  }
  if (result.samples > 0) result.loss = loss / static_cast<double>(result.samples);
  return result;
}

}  // namespace ringtrain::serving
