// SPDX-License-Identifier: Apache-2.0
// The objects of a TrainInKube beside its MPIJob, under the names that Train In Kubes gave them:
//
//   ConfigMap NAME             the parameters, as decimal numbers
//   Job       NAMEbuildmodel   the user's image writes the model to $MODEL_STORAGE_LOCATION
//   Job       NAMEsplitdata    x_train.npy and y_train.npy become one dataset for all ranks
//   Job       NAMEupdatemodel  the trained model goes back to modelsLocation
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "mpijob/operator/train_in_kube.hpp"
#include "mpijob/operator/training_job.hpp"

namespace ringtrain::mpijob {

enum class Step { build, split, update };

std::string name_of_step(const TrainInKube& resource, Step step);

nlohmann::ordered_json parameters_map(const TrainInKube& resource);

// Returns a step's Job. `job` is training_job()'s.
nlohmann::ordered_json step_job(const TrainInKube& resource, const JobSpec& job, Step step);

// Reads the split step's findings from its pods among those `seen`; nothing where none has any.
std::optional<SplitResult> split_result(const TrainInKube& resource,
                                        const std::vector<nlohmann::json>& seen);

}  // namespace ringtrain::mpijob
