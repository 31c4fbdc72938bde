// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::mpijob {

// Makes the objects of a job (render.hpp), one of which is the MPIJob, in the client's namespace.
// All but claims then belong to the MPIJob, so that they go with it. Objects that are there already
// are left as they are where they are the same for every job (a service account that somebody
// made), and made anew where they are left over from a job that is gone. Where the job cannot be
// made, nothing of it stays. Throws an ApiError, with 409 where there is a job of that name.
void submit_job(ApiClient& client, const std::vector<nlohmann::ordered_json>& objects);

}  // namespace ringtrain::mpijob
