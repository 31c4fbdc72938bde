// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include "base/range.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Returns elements of a slab of the device as a tensor, without a copy.
inline torch::Tensor view_of(float* slab, Range range, const Device& device) {
  return torch::from_blob(slab + range.begin, {static_cast<int64_t>(range.size())},
                          torch::TensorOptions(device.torch()).dtype(torch::kFloat32));
}

}  // namespace ringtrain
