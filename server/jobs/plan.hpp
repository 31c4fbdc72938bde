// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "server/jobs/rate_curve.hpp"

namespace ringtrain::server {

// A job that ran before, with the same model and dataset.
struct EarlierJob {
  std::string name;
  int64_t batch_size = 0;
  int64_t steps = 0;   // of the whole job
  int64_t epochs = 0;  // the same
};

// Steps and time of a job, as far as earlier ones show them.
struct Plan {
  std::optional<int64_t> steps = {};
  std::optional<double> seconds = {};  // of training
  std::string like = {};               // the job that the steps are known from
};

// `earlier`: the newest first.
Plan plan_of(const JobSpec& job, int ranks, const std::vector<EarlierJob>& earlier,
             const std::vector<RatePoint>& rates);

// {steps, seconds, like, starts}; null for what is not known. free_cores: now.
nlohmann::ordered_json plan_to_json(const Plan& plan, int ranks, int free_cores);

}  // namespace ringtrain::server
