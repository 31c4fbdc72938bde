// SPDX-License-Identifier: Apache-2.0
#include "runtime/tasks/check_task.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "job/models.hpp"
#include "runtime/tasks/objective.hpp"

namespace ringtrain {
namespace {

using Loss = JobSpec::Loss;

void check_loss(const JobSpec& job, const datasets::DatasetIndex& dataset) {
  const Loss loss = Objective(job.loss, dataset).kind();
  const auto& targets = dataset.targets;
  if (!dataset.has_targets() && loss != Loss::cross_entropy) {
    throw job_error(fmt::format(
        "loss: {} needs targets, but dataset {} has labels of {}: import it with --target, or set "
        "loss: cross_entropy",
        name_of(loss), job.dataset.string(),
        counted(dataset.class_names.size(), "class", "classes")));
  }
  if (dataset.has_targets() && loss == Loss::cross_entropy) {
    throw job_error(fmt::format(
        "loss: cross_entropy needs labels of classes, but dataset {} has {}: set loss to mse, l1, "
        "huber or bce_with_logits",
        job.dataset.string(), counted(targets.names.size(), "target")));
  }
  for (size_t k = 0; loss == Loss::bce_with_logits && k < targets.names.size(); ++k) {
    if (targets.least[k] >= 0 && targets.largest[k] <= 1) continue;
    throw job_error(fmt::format(
        "loss: bce_with_logits needs targets from 0 to 1, but {} of dataset {} is from {} to {}",
        targets.names[k], job.dataset.string(), targets.least[k], targets.largest[k]));
  }
  if (job.label_smoothing > 0 && loss != Loss::cross_entropy) {
    throw job_error(fmt::format("label_smoothing: is for loss cross_entropy, not for {}: remove it",
                                name_of(loss)));
  }
}

}  // namespace

void check_task(const JobSpec& job, const datasets::DatasetIndex& dataset) {
  check_loss(job, dataset);
  if (dataset.element != datasets::ElementType::i64) return;
  if (job.augment != AugmentSpec{}) {
    throw job_error(
        fmt::format("augment: dataset {} holds whole numbers, which are not augmented: remove it",
                    job.dataset.string()));
  }
  if (is_zoo_model(job.model)) {
    throw job_error(fmt::format(
        "model: {} takes normalised floats, but dataset {} holds whole numbers: take a TorchScript "
        "file, or import the dataset with --floats",
        job.model, job.dataset.string()));
  }
}

}  // namespace ringtrain
