// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <vector>

#include "runtime/models/model.hpp"

namespace ringtrain {

// The indices of model.parameters() in the order in which their gradients arrive in a backward
// pass, found by one, on a batch of zeros [2, channels, height, width] in evaluation mode, which
// changes nothing. Parameters that get no gradient come last. Deterministic, so the same on every
// rank of a job.
std::vector<size_t> arrival_order(Model& model, const torch::Tensor& zeros);

}  // namespace ringtrain
