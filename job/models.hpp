// SPDX-License-Identifier: Apache-2.0
// A job's `model`: a name of the zoo or a path. runtime/models builds them.
#pragma once

#include <string>
#include <string_view>

namespace ringtrain {

bool is_zoo_model(std::string_view model);

// Returns whether it holds a '/' or ends in .pt.
bool is_torchscript_path(std::string_view model);

// Returns "mlp, lenet5, ...": for messages.
std::string zoo_model_list();

// Returns the name of the zoo that is spelled most like `model`; empty where none is close.
std::string closest_zoo_model(std::string_view model);

}  // namespace ringtrain
