// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "server/jobs/job_folder.hpp"
#include "server/models/model_task.hpp"

namespace ringtrain::server {

// Returns the name of the model that a job's versions are of: the job's, and for a clone that of
// the job that it was cloned from.
std::string model_name_of(const JobRecord& record);

// Returns what makes a version of `model` of a job, and evaluates it on the test part of the job's
// data. `job`: as a list shows it. A run that no server started is not evaluated: its data is not
// known.
ModelRequest model_request_of(const JobFolder& folder, const nlohmann::ordered_json& job,
                              const std::string& model);

}  // namespace ringtrain::server
