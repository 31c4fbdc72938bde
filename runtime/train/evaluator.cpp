// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/evaluator.hpp"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "runtime/train/forward_backward.hpp"
#include "runtime/train/reader_options.hpp"

namespace ringtrain {

Evaluator::Evaluator(const JobSpec& job, const datasets::Plan& plan, int rank, int world_size,
                     Device& device, Model& model)
    : job_(job),
      plan_(plan),
      device_(device),
      model_(model),
      reader_(plan, datasets::Split::test,
              reader_options(job, datasets::Split::test, rank, world_size, device)) {}

Evaluation Evaluator::run(const std::function<bool()>& stop,
                          const std::function<void(SumSlots&)>& sum) {
  const at::NoGradGuard no_grad;
  model_.train(false);
  double loss = 0, correct = 0, samples = 0;
  reader_.start(0);
  for (const auto* batch = reader_.next(); batch != nullptr; batch = reader_.next()) {
    if (stop()) break;
    if (batch->rows == 0) continue;
    const at::Tensor inputs = device_.load(plan_, *batch, kernels::Augment{});
    const at::Tensor logits = forward(model_, inputs, job_.precision);
    const at::Tensor labels = device_.load_labels(*batch);
    loss += at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
    correct += logits.argmax(1).eq(labels).sum().item<double>();
    samples += batch->rows;
  }
  SumSlots slots;
  const auto all_loss = slots.add("loss", loss);
  const auto all_correct = slots.add("correct", correct);
  const auto all_samples = slots.add("samples", samples);
  sum(slots);
  return {.loss = slots[all_loss] / slots[all_samples],
          .accuracy = slots[all_correct] / slots[all_samples]};
}

}  // namespace ringtrain
