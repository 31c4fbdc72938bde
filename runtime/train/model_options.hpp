// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "job/task.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Returns the model that the job names, for the samples, and classes or targets, of its dataset.
inline ModelOptions model_options(const JobSpec& job, const datasets::DatasetIndex& dataset) {
  return {.name = job.model,
          .hidden = job.hidden,
          .small_stem = job.stem == JobSpec::Stem::automatic
                            ? std::nullopt
                            : std::optional(job.stem == JobSpec::Stem::small),
          .channels = dataset.shape.channels,
          .height = dataset.shape.height,
          .width = dataset.shape.width,
          .classes = static_cast<int64_t>(dataset.has_targets() ? dataset.targets.names.size()
                                                                : dataset.class_names.size()),
          .has_targets = dataset.has_targets(),
          .whole_numbers = dataset.element == datasets::ElementType::i64,
          .seed = job.seed};
}

// Returns what the job must fit.
inline DatasetTask task_of(const datasets::DatasetIndex& dataset) {
  return {.classes = dataset.class_names.size(),
          .targets = dataset.targets.names,
          .least = dataset.targets.least,
          .largest = dataset.targets.largest,
          .whole_numbers = dataset.element == datasets::ElementType::i64,
          .table = dataset.shape.height == 1 && dataset.shape.width == 1,
          .bytes = dataset.element == datasets::ElementType::u8,
          .channels = dataset.shape.channels,
          .has_test = dataset.test.rows > 0};
}

}  // namespace ringtrain
