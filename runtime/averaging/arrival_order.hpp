// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "runtime/averaging/slab_layout.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Returns the layout of a slab that holds the model's parameters in the order in which their
// gradients arrive in a backward pass. Finds it by running one on zeros, in evaluation mode, which
// changes nothing. Parameters without a gradient come last. Deterministic, so the layout is the
// same on every rank of a job. sample: [channels, height, width], of `type`. Requires: the model is
// on `device`.
SlabLayout lay_out(Model& model, const std::array<int64_t, 3>& sample, at::Device device = at::kCPU,
                   at::ScalarType type = at::kFloat, bool channels_last = false);

}  // namespace ringtrain
