// SPDX-License-Identifier: Apache-2.0
#include "serving/evaluate.hpp"

#include <ATen/ops/softmax.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

constexpr uint64_t kProbeRows = 8;
constexpr uint64_t kProbeBytes = uint64_t{1} << 20;

// Adds a batch to the counts of classes. best: the predicted class of each row.
void count(const datasets::Batch& batch, const int64_t* best, EvaluationOfModel& result) {
  for (uint32_t row = 0; row < batch.rows; ++row) {
    const auto label = static_cast<size_t>(batch.y[row]);
    const auto predicted = static_cast<size_t>(best[row]);
    ++result.classes[label].samples;
    ++result.classes[predicted].predicted;
    if (label == predicted) ++result.classes[label].correct;
    if (!result.confusion.empty()) {
      ++result.confusion[label * result.classes.size() + predicted];
    }
  }
}

// Keeps the `most` samples with the largest losses, the largest first; of equal ones the first.
class Worst {
 public:
  explicit Worst(size_t most) : most_(most) {}

  void add(const datasets::Batch& batch, const at::Tensor& losses, const at::Tensor& outputs) {
    const at::Tensor numbers = losses.to(at::kDouble).contiguous();
    for (uint32_t row = 0; row < batch.rows; ++row) {
      const double loss = numbers.const_data_ptr<double>()[row];
      if (most_ == 0 || (found_.size() == most_ && !(loss > found_.back().loss))) continue;
      WorstSample sample{.row = batch.first_position + row, .loss = loss};
      if (batch.y != nullptr) {
        const auto [probability, best] = at::softmax(outputs[row], 0).max(0);
        sample.label = static_cast<size_t>(batch.y[row]);
        sample.predicted = static_cast<size_t>(best.item<int64_t>());
        sample.probability = probability.item<double>();
      }
      const auto place =
          std::upper_bound(found_.begin(), found_.end(), loss,
                           [](double a, const WorstSample& b) { return a > b.loss; });
      found_.insert(place, sample);
      if (found_.size() > most_) found_.pop_back();
    }
  }

  std::vector<WorstSample> take() { return std::move(found_); }

 private:
  size_t most_;
  std::vector<WorstSample> found_;
};

Probe probe_of(const datasets::Batch& batch, const at::Tensor& outputs, uint64_t row_bytes) {
  const uint64_t most = std::max<uint64_t>(1, std::min(kProbeRows, kProbeBytes / row_bytes));
  Probe probe{.rows = std::min<uint64_t>(batch.rows, most), .samples = {}, .outputs = {}};
  probe.samples.assign(batch.x, batch.x + probe.rows * row_bytes);
  const at::Tensor first = outputs.slice(0, 0, static_cast<int64_t>(probe.rows)).contiguous();
  const auto* const numbers = first.const_data_ptr<float>();
  probe.outputs.assign(numbers, numbers + first.numel());
  return probe;
}

}  // namespace

EvaluationOfModel evaluate(TrainedModel& model, const datasets::DatasetIndex& dataset,
                           datasets::Split split, size_t worst) {
  check_fit(model.samples(), dataset);
  const Objective& objective = model.objective();
  EvaluationOfModel result{
      .sums = objective.no_errors(), .classes = {}, .confusion = {}, .worst = {}, .probe = {}};
  const size_t classes = dataset.class_names.size();
  result.classes.resize(classes);
  if (classes <= kMostConfused) result.confusion.resize(classes * classes);
  Worst found(worst);
  datasets::Reader reader(dataset, split, {.batch_size = kBatch, .shuffle = false});
  reader.start(0);
  while (const auto* batch = reader.next()) {
    const at::Tensor outputs = model.outputs(*batch);
    const at::Tensor answers = model.answers(*batch);
    objective.add(outputs, answers, result.sums);
    found.add(*batch, objective.losses(outputs, answers), outputs);
    if (result.probe.rows == 0) result.probe = probe_of(*batch, outputs, dataset.row_bytes());
    if (dataset.has_targets()) continue;
    count(*batch, outputs.argmax(1).contiguous().const_data_ptr<int64_t>(), result);
  }
  result.worst = found.take();
  return result;
}

}  // namespace ringtrain::serving
