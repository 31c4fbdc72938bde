// SPDX-License-Identifier: Apache-2.0
#include "job/task.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "job/choice_names.hpp"
#include "job/models.hpp"

namespace ringtrain {
namespace {

using Loss = JobSpec::Loss;

void check_loss(const JobSpec& job, const DatasetTask& dataset) {
  const bool has_targets = !dataset.targets.empty();
  const Loss loss = loss_of(job.loss, has_targets);
  if (!has_targets && loss != Loss::cross_entropy) {
    throw job_error(fmt::format(
        "loss: {} needs targets, but dataset {} has labels of {}: import it with --target, or set "
        "loss: cross_entropy",
        name_of(loss), job.dataset.string(), counted(dataset.classes, "class", "classes")));
  }
  if (has_targets && loss == Loss::cross_entropy) {
    throw job_error(fmt::format(
        "loss: cross_entropy needs labels of classes, but dataset {} has {}: set loss to mse, l1, "
        "huber or bce_with_logits",
        job.dataset.string(), counted(dataset.targets.size(), "target")));
  }
  for (size_t k = 0; loss == Loss::bce_with_logits && k < dataset.targets.size(); ++k) {
    if (dataset.least[k] >= 0 && dataset.largest[k] <= 1) continue;
    throw job_error(fmt::format(
        "loss: bce_with_logits needs targets from 0 to 1, but {} of dataset {} is from {} to {}",
        dataset.targets[k], job.dataset.string(), dataset.least[k], dataset.largest[k]));
  }
  if (job.label_smoothing > 0 && loss != Loss::cross_entropy) {
    throw job_error(fmt::format("label_smoothing: is for loss cross_entropy, not for {}: remove it",
                                name_of(loss)));
  }
}

void check_goal(const JobSpec& job, const DatasetTask& dataset) {
  const StopAtSpec& goal = job.stop_at;
  if (goal.test_accuracy && !dataset.targets.empty()) {
    throw job_error(
        fmt::format("stop_at.test_accuracy: dataset {} has targets, of which there is no accuracy: "
                    "give stop_at.test_loss",
                    job.dataset.string()));
  }
  if ((goal.test_accuracy || goal.test_loss) && !dataset.has_test) {
    throw job_error(fmt::format(
        "stop_at: dataset {} has no test part: remove it, or import the dataset with one",
        job.dataset.string()));
  }
}

void check_augment(const JobSpec& job, const DatasetTask& dataset) {
  const AugmentSpec& augment = job.augment;
  if (augment == AugmentSpec{}) return;
  const std::string name = job.dataset.string();
  if (dataset.table) {
    throw job_error(fmt::format(
        "augment: dataset {} is a table, and only images are augmented: remove it", name));
  }
  if (dataset.whole_numbers) {
    throw job_error(fmt::format(
        "augment: dataset {} holds whole numbers, which are not augmented: remove it", name));
  }
  if (augment.recolours() && !dataset.bytes) {
    throw job_error(
        fmt::format("augment: dataset {} holds floats, and only colours that are bytes have a "
                    "range to change in: remove brightness, contrast, saturation and hue",
                    name));
  }
  if ((augment.saturation > 0 || augment.hue > 0) && dataset.channels != 3) {
    throw job_error(fmt::format("augment.{}: dataset {} has {}, and colours need 3: remove it",
                                augment.saturation > 0 ? "saturation" : "hue", name,
                                counted(static_cast<size_t>(dataset.channels), "channel")));
  }
}

}  // namespace

void check_task(const JobSpec& job, const DatasetTask& dataset) {
  check_loss(job, dataset);
  check_goal(job, dataset);
  check_augment(job, dataset);
  if (!dataset.whole_numbers) return;
  if (is_zoo_model(job.model)) {
    throw job_error(fmt::format(
        "model: {} takes normalised floats, but dataset {} holds whole numbers: take a TorchScript "
        "file, or import the dataset with --floats",
        job.model, job.dataset.string()));
  }
}

void check_ranks(const JobSpec& job, int ranks) {
  if (job.batch_size >= ranks) return;
  throw job_error(
      fmt::format("batch_size: {} cannot be shared by {}: raise it or start fewer ranks",
                  counted(job.batch_size, "sample"), counted(ranks, "rank")));
}

JobSpec::Loss loss_of(JobSpec::Loss asked, bool has_targets) {
  if (asked != Loss::automatic) return asked;
  return has_targets ? Loss::mse : Loss::cross_entropy;
}

JobSpec::Loss loss_named(std::string_view name) {
  for (const auto& [loss, own] : loss_names()) {
    if (own == name) return loss;
  }
  throw data_error(fmt::format("unknown loss {}", name));
}

}  // namespace ringtrain
