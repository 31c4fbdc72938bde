// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/sum_slots.hpp"
#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"
#include "job/job_spec.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/training_totals.hpp"
#include "runtime/tasks/objective.hpp"

namespace ringtrain {

// Evaluates the model on the test split. Each rank takes its share of the samples, and every sample
// is evaluated once. Thread: the training thread.
class Evaluator {
 public:
  // All references must outlive the object.
  Evaluator(const JobSpec& job, const datasets::DatasetIndex& dataset, int rank, int world_size,
            Device& device, Model& model);

  // True if there is anything to evaluate.
  bool has_samples() const { return dataset_.test.rows > 0; }

  // Number of batches that progress is announced in, about.
  int64_t batches() const { return static_cast<int64_t>(dataset_.test.rows) / job_.batch_size + 1; }

  // Evaluates this rank's samples, and calls `sum`, which sums slots over the ranks, once. If
  // `stop` becomes true, it does so early, and the result covers what was evaluated until then.
  // Leaves the model in evaluation mode. Collective.
  Evaluation run(const std::function<bool()>& stop, const std::function<void(SumSlots&)>& sum);

 private:
  const JobSpec& job_;
  const datasets::DatasetIndex& dataset_;
  Objective objective_;
  Device& device_;
  Model& model_;
  datasets::Reader reader_;
};

}  // namespace ringtrain
