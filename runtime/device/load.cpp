// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/load.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

namespace ringtrain {

at::Tensor load_inputs(Device& device, const datasets::DatasetIndex& dataset,
                       const datasets::Batch& batch, const kernels::Augment& augment,
                       const at::Tensor& into) {
  if (dataset.element != datasets::ElementType::i64) {
    return device.load(dataset, batch, augment, into);
  }
  const auto& shape = dataset.shape;
  const at::Tensor inputs = at::empty(
      {static_cast<int64_t>(batch.rows), shape.channels, shape.height, shape.width}, at::kLong);
  auto* out = static_cast<std::byte*>(inputs.mutable_data_ptr());
  for (size_t row = 0; row < batch.rows; ++row) {
    std::memcpy(out + row * dataset.row_bytes(), batch.samples[row], dataset.row_bytes());
  }
  return device.send(inputs, into);
}

at::Tensor load_answers(Device& device, const datasets::DatasetIndex& dataset,
                        const datasets::Batch& batch, const at::Tensor& into) {
  const auto rows = static_cast<int64_t>(batch.rows);
  const auto targets = static_cast<int64_t>(dataset.targets.names.size());
  // torch only reads the memory; from_blob has no const form.
  const at::Tensor answers =
      dataset.has_targets()
          ? at::from_blob(const_cast<float*>(batch.targets), {rows, targets}, at::kFloat)
          : at::from_blob(const_cast<int64_t*>(batch.y), {rows}, at::kLong);
  return device.send(answers, into);
}

}  // namespace ringtrain
