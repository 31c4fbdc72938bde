// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "runtime/checkpoint/manifest.hpp"

namespace ringtrain {

// Returns the settings that forbid a resume: keys that define the meaning of the saved numbers
// (model, dataset, batch_size, seed, type of the optimizer), each as "batch_size is 64, the
// checkpoint's 128".
std::vector<std::string> conflicts(const Manifest& checkpoint, const JobSpec& job,
                                   const datasets::DatasetIndex& dataset);

// Returns the changed settings that allow a resume but change training, in the same form: learning
// rate, schedule, augmentation and the like.
std::vector<std::string> changes(const Manifest& checkpoint, const JobSpec& job);

}  // namespace ringtrain
