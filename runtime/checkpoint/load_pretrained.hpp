// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "runtime/models/model.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain {

// Loads the initial weights of a fine-tuning: copies the file's tensors into the model's parameters
// and buffers of the same name and shape. Logs how many fit, and warns of those that do not, each
// by name and shape; those of the model keep their initial values, such as the head if the classes
// differ. `file` may be a URL, which is read through the cache. Throws a job error if none fits, a
// data error if the file cannot be read.
void load_pretrained(const std::filesystem::path& file, const Model& model,
                     const std::function<void(const std::string&)>& log,
                     const std::function<void(const std::string&)>& warn,
                     const storage::CacheOptions& cache = {});

}  // namespace ringtrain
