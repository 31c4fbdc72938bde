// SPDX-License-Identifier: Apache-2.0
// The small networks of the zoo: a multilayer perceptron and two LeNets.
#pragma once

#include <memory>

#include "runtime/models/layers.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Each throws a job error when a sample of the options' shape is too small for it.
std::shared_ptr<Layer> make_mlp(const ModelOptions& options, at::Generator& generator);
std::shared_ptr<Layer> make_lenet5(const ModelOptions& options, at::Generator& generator);
std::shared_ptr<Layer> make_lenet(const ModelOptions& options, at::Generator& generator);

}  // namespace ringtrain
