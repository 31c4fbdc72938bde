// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include "base/range.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/device/device.hpp"

namespace ringtrain {

// Returns elements of a slab of the device as a tensor, without a copy.
inline at::Tensor view_of(float* slab, Range range, const Device& device) {
  return at::from_blob(slab + range.begin, {static_cast<int64_t>(range.size())},
                       at::TensorOptions(device.torch()).dtype(at::kFloat));
}

// Returns a parameter's part of a slab, [elements], in the parameter's shape, without a copy.
inline at::Tensor in_shape(const at::Tensor& part, at::IntArrayRef shape,
                           const SlabLayout& layout) {
  if (!layout.channels_last() || shape.size() != 4) return part.view(shape);
  return part.view({shape[0], shape[2], shape[3], shape[1]}).permute({0, 3, 1, 2});
}

// Returns a tensor of a parameter's shape with its dimensions in the slab's order, without a copy.
inline at::Tensor in_slab_order(const at::Tensor& tensor, const SlabLayout& layout) {
  return layout.channels_last() && tensor.dim() == 4 ? tensor.permute({0, 2, 3, 1}) : tensor;
}

}  // namespace ringtrain
