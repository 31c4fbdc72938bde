// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>

#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain::serving {

// A model that a run has left behind, with what it knows of its samples.
// Thread: one at a time.
class TrainedModel {
 public:
  // path: model.pt of a run, or the output folder with it. Throws a data error that names the file,
  // also for a TorchScript file that was not written by ringtrain.
  explicit TrainedModel(const std::filesystem::path& path);
  ~TrainedModel();

  // Shape, element, mean, std and class names of the samples, and the dataset's uuid; no rows.
  const datasets::DatasetIndex& samples() const { return samples_; }

  // Returns the logits [rows, classes] of raw samples, floats on the CPU. The batch's `samples`
  // point to elements [channels, height, width] of the type samples().element, which are
  // normalised here.
  at::Tensor logits(const datasets::Batch& batch);

 private:
  struct Module;
  std::filesystem::path file_;
  datasets::DatasetIndex samples_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<Module> module_;
};

}  // namespace ringtrain::serving
