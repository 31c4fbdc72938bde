// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::mpijob {

// Creates the objects of a job (render.hpp), one of which is the MPIJob, in the client's namespace.
// All but claims then belong to the MPIJob and are deleted with it. Objects that exist already are
// replaced where ringtrain created them for an earlier job, else left as they are (a service
// account of the user's). Where the job cannot be created, none of its objects stays. Throws an
// ApiError, with 409 where there is a job of that name.
void submit_job(ApiClient& client, const std::vector<nlohmann::ordered_json>& objects);

}  // namespace ringtrain::mpijob
