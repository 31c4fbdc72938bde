// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/device.hpp"
#include "runtime/gradients/exchange.hpp"

namespace ringtrain {

// `slab` is the first rank's alone: as many floats as the slabs have, on the host or the device;
// ignored elsewhere. Its values come to every rank bit for bit: `take(bucket, share, values)` is
// called for each bucket in turn with this rank's share of them, on the device. By way of
// gradients(), which is all zeros afterwards. Collective, between steps.
void spread(
    const torch::Tensor& slab, Communicator& communicator, Exchange& exchange,
    const std::vector<Range>& buckets, Device& device,
    const std::function<void(size_t bucket, Range share, const torch::Tensor& values)>& take);

// Elements of a slab of the device as a tensor, without a copy.
inline torch::Tensor view_of(float* slab, Range range, Device& device) {
  return torch::from_blob(slab + range.begin, {static_cast<int64_t>(range.size())},
                          torch::TensorOptions(device.torch()).dtype(torch::kFloat32));
}

}  // namespace ringtrain
