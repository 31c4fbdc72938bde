// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "datasets/format/plan.hpp"
#include "job/job_spec.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Returns the model that the job names, for the samples and classes of its dataset.
inline ModelOptions model_options(const JobSpec& job, const datasets::Plan& plan) {
  return {.name = job.model,
          .hidden = job.hidden,
          .channels = plan.shape.channels,
          .height = plan.shape.height,
          .width = plan.shape.width,
          .classes = static_cast<int64_t>(plan.class_names.size()),
          .seed = job.seed};
}

}  // namespace ringtrain
