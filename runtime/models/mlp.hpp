// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "runtime/models/layers.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// A multilayer perceptron with the widths in options.hidden. Throws a job error for a width
// below 1.
std::shared_ptr<Layer> make_mlp(const ModelOptions& options, at::Generator& generator);

}  // namespace ringtrain
