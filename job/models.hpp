// SPDX-License-Identifier: Apache-2.0
// How a job's `model` is read: a name of the zoo or a path. What the names build is runtime/models'
// business.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace ringtrain {

inline constexpr std::array<std::string_view, 6> zoo_models = {"mlp",      "lenet5",   "lenet",
                                                               "resnet18", "resnet34", "resnet50"};

bool is_zoo_model(std::string_view model);

// It holds a '/' or ends in .pt.
bool is_torchscript_path(std::string_view model);

// "mlp, lenet5, ...": for messages.
std::string zoo_model_list();

}  // namespace ringtrain
