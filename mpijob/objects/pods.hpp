// SPDX-License-Identifier: Apache-2.0
// The pod templates of an MPIJob.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "job/job_spec.hpp"

namespace ringtrain::mpijob {

// Return the templates, which expect a ConfigMap NAME-job. `service_account` is the name of the
// pods' ServiceAccount.
nlohmann::ordered_json launcher_template(const JobSpec& job, const std::string& service_account);
nlohmann::ordered_json worker_template(const JobSpec& job, const std::string& service_account);

}  // namespace ringtrain::mpijob
