// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "runtime/models/model.hpp"

namespace ringtrain {

// The first weights of a fine-tuning: copies the file's tensors into the model's parameters and
// buffers of the same name and shape. Both reports are lines for the user: `log` how many fit,
// `warn` which do not, each by name and shape; those of the model keep their initial values, as the
// head does where the classes are others. Throws a job error where none fits, a data error where
// the file cannot be read.
void load_pretrained(const std::filesystem::path& file, const Model& model,
                     const std::function<void(const std::string&)>& log,
                     const std::function<void(const std::string&)>& warn);

}  // namespace ringtrain
