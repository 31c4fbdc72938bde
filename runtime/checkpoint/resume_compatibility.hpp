// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/format/plan.hpp"
#include "job/job_spec.hpp"
#include "runtime/checkpoint/manifest.hpp"

namespace ringtrain {

// What forbids the job to go on from the checkpoint: keys whose values fix what the saved numbers
// mean (model, dataset, batch_size, seed, type of the optimizer), each as "batch_size is 64, the
// checkpoint's 128".
std::vector<std::string> conflicts(const Manifest& checkpoint, const JobSpec& job,
                                   const datasets::Plan& plan);

// What training will do otherwise than before, in the same words: learning rate, schedule,
// augmentation and the like, which a person may change on purpose.
std::vector<std::string> changes(const Manifest& checkpoint, const JobSpec& job);

}  // namespace ringtrain
