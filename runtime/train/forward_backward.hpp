// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"
#include "job/job_spec.hpp"
#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "runtime/observe/trace.hpp"
#include "runtime/tasks/objective.hpp"
#include "runtime/train/captured_step.hpp"

namespace ringtrain {

// Returns the model's outputs [rows, classes or targets] in fp32, computed in the given precision.
// inputs: [rows, channels, height, width].
at::Tensor forward(Model& model, const at::Tensor& inputs, JobSpec::Precision precision);

// A batch on the device.
struct LoadedBatch {
  at::Tensor inputs;  // [rows, channels, height, width]
  at::Tensor labels;  // [rows], or targets: see Objective::answers()
  uint64_t first_position = 0;
  uint64_t rows = 0;
  uint64_t global_rows = 0;
};

// One rank's part of a step up to its gradients: loads the batch, runs forward and backward passes,
// and leaves the gradients to the averager, which sends them off while the backward pass runs.
// Thread: the training thread.
class ForwardBackward {
 public:
  // All references must outlive the object. trace: null for none.
  ForwardBackward(const JobSpec& job, const datasets::DatasetIndex& dataset, Device& device,
                  Model& model, GradientAverager& averager,
                  std::function<void(const std::string&)> log, Trace* trace);

  // Starts the way of a batch to the device. The result is valid until the next call, on a CPU as
  // long as the batch.
  LoadedBatch load(const datasets::Batch& batch, int64_t epoch);

  // Returns the loss, summed over this rank's samples. samples_in_mean: the number by which
  // gradients are divided. Calls `meanwhile` when all work of the passes is started, before it
  // waits for the device.
  double run(const LoadedBatch& batch, int64_t epoch, uint64_t samples_in_mean,
             const std::function<void()>& meanwhile);

 private:
  at::Tensor micro_batches(const at::Tensor& inputs, const at::Tensor& labels,
                           const CapturedStep::LastBackward& last);

  const JobSpec& job_;
  const datasets::DatasetIndex& dataset_;
  Objective objective_;
  Device& device_;
  Model& model_;
  GradientAverager& averager_;
  Trace* trace_;
  CapturedStep step_;
};

}  // namespace ringtrain
