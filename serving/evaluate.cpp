// SPDX-License-Identifier: Apache-2.0
#include "serving/evaluate.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

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
  if (dataset.targets.names != model.targets.names) {
    throw data_error(fmt::format("{} has {} that are not the model's {}, by number or name", path,
                                 counted(dataset.targets.names.size(), "target"),
                                 model.targets.names.size()));
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
  const Objective& objective = model.objective();
  EvaluationOfModel result{.sums = objective.no_errors(), .classes = {}, .confusion = {}};
  const size_t classes = dataset.class_names.size();
  result.classes.resize(classes);
  if (!dataset.has_targets() && classes <= kMostConfused) {
    result.confusion.assign(classes, std::vector<uint64_t>(classes));
  }
  datasets::Reader reader(dataset, split, {.batch_size = kBatch, .shuffle = false});
  reader.start(0);
  while (const auto* batch = reader.next()) {
    const at::Tensor outputs = model.outputs(*batch);
    objective.add(outputs, model.answers(*batch), result.sums);
    if (dataset.has_targets()) continue;
    const at::Tensor best = outputs.argmax(1).contiguous();
    for (uint32_t row = 0; row < batch->rows; ++row) {
      ClassCounts& counts = result.classes[static_cast<size_t>(batch->y[row])];
      ++counts.samples;
      const int64_t found = best.const_data_ptr<int64_t>()[row];
      if (found == batch->y[row]) ++counts.correct;
      if (result.confusion.empty()) continue;
      ++result.confusion[static_cast<size_t>(batch->y[row])].at(static_cast<size_t>(found));
    }
  }
  return result;
}

}  // namespace ringtrain::serving
