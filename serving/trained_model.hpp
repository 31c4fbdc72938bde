// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"
#include "runtime/device/device.hpp"
#include "runtime/tasks/objective.hpp"

namespace ringtrain::serving {

// A model that a run has left behind, with what it knows of its samples.
// Thread: one at a time.
class TrainedModel {
 public:
  // path: model.pt or model.safetensors of a run, or the output folder with model.pt. Throws a data
  // error that names the file, also for one that was not written by ringtrain.
  explicit TrainedModel(const std::filesystem::path& path);
  ~TrainedModel();

  const std::filesystem::path& file() const { return file_; }

  // Shape, element, mean, std and class names or targets of the samples, and the dataset's uuid; no
  // rows.
  const datasets::DatasetIndex& samples() const { return samples_; }

  // The loss that the model was trained for, with the targets' mean and std of that time.
  const Objective& objective() const { return *objective_; }

  // Returns the outputs [rows, classes or targets] for raw samples, floats on the CPU: logits, or
  // targets as the objective takes them. The batch's `samples` point to elements [channels, height,
  // width] of the type samples().element, which are normalised here.
  at::Tensor outputs(const datasets::Batch& batch);

  // Returns a batch's labels or targets as the objective takes them, on the CPU.
  at::Tensor answers(const datasets::Batch& batch);

 private:
  struct Module;
  // Each returns the file's description of its samples.
  std::string load_script();
  std::string load_weights();

  std::filesystem::path file_;
  datasets::DatasetIndex samples_;
  std::unique_ptr<Device> device_;
  std::optional<Objective> objective_;
  std::unique_ptr<Module> module_;
};

}  // namespace ringtrain::serving
