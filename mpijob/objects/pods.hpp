// SPDX-License-Identifier: Apache-2.0
// The pod templates of an MPIJob, and of steps before and after it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain::mpijob {

// Return the templates, which expect a ConfigMap NAME-job. `service_account` is the name of the
// pods' ServiceAccount.
nlohmann::ordered_json launcher_template(const JobSpec& job, const std::string& service_account);
nlohmann::ordered_json worker_template(const JobSpec& job, const std::string& service_account);

// A container that runs once, before or after the job.
struct StepContainer {
  std::string name;
  std::string image;        // empty: the job's own
  std::string pull_policy;  // with an image
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> env;
};

// Returns the template of a pod with that container, on the job's nodes, with its volumes, secrets,
// cores and memory. An image of somebody else runs as the user that it names; ours as user 1000, or
// as root where a volume is a directory of the node, in which no other user may write.
nlohmann::ordered_json step_template(const JobSpec& job, const StepContainer& step);

}  // namespace ringtrain::mpijob
