// SPDX-License-Identifier: Apache-2.0
#include "runtime/tasks/objective.hpp"

#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/huber_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>

#include <cmath>

#include "job/task.hpp"

namespace ringtrain {
namespace {

using Loss = JobSpec::Loss;

// No label has it: they are numbers of classes.
constexpr int64_t kIgnoredLabel = -100;

at::Tensor as_tensor(const std::vector<float>& values, at::Device device) {
  // torch only reads the memory; from_blob has no const form.
  return at::from_blob(const_cast<float*>(values.data()), {static_cast<int64_t>(values.size())},
                       at::kFloat)
      .clone()
      .to(device);
}

void add_to(std::vector<double>& sums, const at::Tensor& values) {
  for (size_t k = 0; k < sums.size(); ++k) sums[k] += values.const_data_ptr<double>()[k];
}

}  // namespace

std::vector<double> ErrorSums::rmse() const {
  std::vector<double> result;
  for (const double sum : squared) result.push_back(std::sqrt(sum / samples));
  return result;
}

std::vector<double> ErrorSums::mae() const {
  std::vector<double> result;
  for (const double sum : absolute) result.push_back(sum / samples);
  return result;
}

Objective::Objective(JobSpec::Loss loss, const datasets::DatasetIndex& dataset, at::Device device)
    : kind_(loss_of(loss, dataset.has_targets())),
      targets_(static_cast<int64_t>(dataset.targets.names.size())),
      mean_(as_tensor(dataset.targets.mean, device)),
      std_(as_tensor(dataset.targets.std, device)) {}

bool Objective::normalises() const {
  return kind_ == Loss::mse || kind_ == Loss::l1 || kind_ == Loss::huber;
}

at::Tensor Objective::answers(const at::Tensor& loaded) const {
  return normalises() ? loaded.sub(mean_).div(std_) : loaded;
}

at::Tensor Objective::reduced(const at::Tensor& outputs, const at::Tensor& answers,
                              int64_t reduction, double label_smoothing) const {
  switch (kind_) {
    case Loss::mse:
      return at::mse_loss(outputs, answers, reduction);
    case Loss::l1:
      return at::l1_loss(outputs, answers, reduction);
    case Loss::huber:
      return at::huber_loss(outputs, answers, reduction, /*delta=*/1);
    case Loss::bce_with_logits:
      return at::binary_cross_entropy_with_logits(outputs, answers, {}, {}, reduction);
    case Loss::automatic:
    case Loss::cross_entropy:
      break;
  }
  return at::cross_entropy_loss(outputs, answers, {}, reduction, kIgnoredLabel, label_smoothing);
}

at::Tensor Objective::loss(const at::Tensor& outputs, const at::Tensor& answers,
                           double label_smoothing) const {
  const at::Tensor sum = reduced(outputs, answers, at::Reduction::Sum, label_smoothing);
  return targets_ == 0 ? sum : sum.div(static_cast<double>(targets_));
}

at::Tensor Objective::losses(const at::Tensor& outputs, const at::Tensor& answers) const {
  const at::Tensor each = reduced(outputs, answers, at::Reduction::None, 0);
  return targets_ == 0 ? each : each.mean(1);
}

ErrorSums Objective::no_errors() const {
  const auto measured = static_cast<size_t>(counts_answers() ? 0 : targets_);
  ErrorSums sums;
  sums.squared.resize(measured);
  sums.absolute.resize(measured);
  return sums;
}

void Objective::add(const at::Tensor& outputs, const at::Tensor& answers, ErrorSums& sums) const {
  sums.samples += static_cast<double>(outputs.size(0));
  sums.loss += loss(outputs, answers).item<double>();
  if (normalises()) {
    const at::Tensor normalised = outputs.to(at::kDouble).sub(answers.to(at::kDouble));
    const at::Tensor error = normalised.to(at::kCPU).mul(std_.to(at::kCPU, at::kDouble));
    add_to(sums.squared, error.square().sum(0));
    add_to(sums.absolute, error.abs().sum(0));
    return;
  }
  const at::Tensor right = kind_ == Loss::bce_with_logits ? outputs.gt(0).eq(answers.gt(0.5))
                                                          : outputs.argmax(1).eq(answers);
  sums.right += right.sum().item<double>();
  sums.answers += static_cast<double>(right.numel());
}

at::Tensor Objective::values(const at::Tensor& outputs) const {
  const at::Tensor found = outputs.to(at::kCPU);
  return normalises() ? found.mul(std_.to(at::kCPU)).add(mean_.to(at::kCPU)) : found.sigmoid();
}

}  // namespace ringtrain
