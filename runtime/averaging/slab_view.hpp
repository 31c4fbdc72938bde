// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include "base/range.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Returns elements of a slab of the device as a tensor, without a copy.
inline at::Tensor view_of(float* slab, Range range, const Device& device) {
  return at::from_blob(slab + range.begin, {static_cast<int64_t>(range.size())},
                       at::TensorOptions(device.torch()).dtype(at::kFloat));
}

}  // namespace ringtrain
