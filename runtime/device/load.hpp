// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Returns the batch as the model's input on the device, [rows, channels, height, width]: floats as
// Device::load() makes them, or, for samples of i64, these as they are. It is `into`, if that is
// defined, a dense tensor of this shape and type on the device; else it is valid until the call
// after the next. Requires: no augmentation of samples of i64.
at::Tensor load_inputs(Device& device, const datasets::DatasetIndex& dataset,
                       const datasets::Batch& batch, const kernels::Augment& augment,
                       const at::Tensor& into = {});

// Returns the batch's labels, int64 [rows], or its targets as they are stored, floats [rows,
// targets]; on the device, in `into` if that is defined, else valid as long as the batch.
at::Tensor load_answers(Device& device, const datasets::DatasetIndex& dataset,
                        const datasets::Batch& batch, const at::Tensor& into = {});

}  // namespace ringtrain
