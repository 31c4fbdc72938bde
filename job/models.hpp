// SPDX-License-Identifier: Apache-2.0
// A job's `model`: a name of the zoo or a path. runtime/models builds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringtrain {

bool is_zoo_model(std::string_view model);

// Returns whether it holds a '/' or ends in .pt.
bool is_torchscript_path(std::string_view model);

// Returns why a model of the zoo cannot take images of height x width pixels, and what to do; empty
// if it can, or if the model is none of the zoo.
std::string why_too_small(std::string_view model, int64_t height, int64_t width);

// Returns "mlp, lenet5, ...": for messages.
std::string zoo_model_list();

// Returns the name of the zoo that is spelled most like `model`; empty where none is close.
std::string closest_zoo_model(std::string_view model);

}  // namespace ringtrain
