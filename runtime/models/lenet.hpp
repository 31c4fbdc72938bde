// SPDX-License-Identifier: Apache-2.0
// The two small convolutional networks of the zoo.
#pragma once

#include <memory>

#include "runtime/models/layers.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Each throws a job error if the samples are too small for it.
std::shared_ptr<Layer> make_lenet5(const ModelOptions& options, at::Generator& generator);
std::shared_ptr<Layer> make_lenet(const ModelOptions& options, at::Generator& generator);

}  // namespace ringtrain
