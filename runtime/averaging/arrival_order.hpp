// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/averaging/slab_layout.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Returns the layout of a slab that holds the model's parameters in the order in which their
// gradients arrive in a backward pass. Finds it by running one, on a batch of zeros [2, channels,
// height, width] in evaluation mode, which changes nothing. Parameters without a gradient come
// last. Deterministic, so the layout is the same on every rank of a job.
SlabLayout lay_out(Model& model, const at::Tensor& zeros);

}  // namespace ringtrain
