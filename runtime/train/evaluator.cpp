// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/evaluator.hpp"

#include <c10/core/GradMode.h>

#include <vector>

#include "runtime/device/load.hpp"
#include "runtime/train/forward_backward.hpp"
#include "runtime/train/reader_options.hpp"

namespace ringtrain {

Evaluator::Evaluator(const JobSpec& job, const datasets::DatasetIndex& dataset, int rank,
                     int world_size, Device& device, Model& model)
    : job_(job),
      dataset_(dataset),
      objective_(job.loss, dataset, device.torch()),
      device_(device),
      model_(model),
      reader_(dataset, datasets::Split::test,
              reader_options(job, datasets::Split::test, rank, world_size, device)) {}

Evaluation Evaluator::run(const std::function<bool()>& stop,
                          const std::function<void(SumSlots&)>& sum) {
  const at::NoGradGuard no_grad;
  model_.train(false);
  ErrorSums sums = objective_.no_errors();
  reader_.start(0);
  for (const auto* batch = reader_.next(); batch != nullptr; batch = reader_.next()) {
    if (stop()) break;
    if (batch->rows == 0) continue;
    const at::Tensor inputs = load_inputs(device_, dataset_, *batch, kernels::Augment{});
    const at::Tensor outputs = forward(model_, inputs, job_.precision);
    const at::Tensor answers = objective_.answers(load_answers(device_, dataset_, *batch));
    objective_.add(outputs, answers, sums);
  }
  SumSlots slots;
  const auto loss = slots.add("loss", sums.loss);
  const auto right = slots.add("correct", sums.right);
  const auto answers = slots.add("answers", sums.answers);
  const auto samples = slots.add("samples", sums.samples);
  const auto squared = slots.add("squared errors", sums.squared);
  const auto absolute = slots.add("absolute errors", sums.absolute);
  sum(slots);
  const auto all = [&](SumSlots::Slot slot) {
    const auto values = slots.all(slot);
    return std::vector(values.begin(), values.end());
  };
  const ErrorSums joint = {.samples = slots[samples],
                           .loss = slots[loss],
                           .answers = slots[answers],
                           .right = slots[right],
                           .squared = all(squared),
                           .absolute = all(absolute)};
  Evaluation evaluation{.loss = joint.loss / joint.samples};
  if (objective_.counts_answers()) {
    evaluation.accuracy = joint.right / joint.answers;
  } else {
    evaluation.rmse = joint.rmse();
    evaluation.mae = joint.mae();
  }
  return evaluation;
}

}  // namespace ringtrain
