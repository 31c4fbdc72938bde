// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/check_model.hpp"

#include "datasets/reading/open.hpp"
#include "job/parse.hpp"
#include "runtime/train/model_options.hpp"

namespace ringtrain {

std::string check_model(const WorkerOptions& options) {
  const JobSpec job = parse_job(options.job_file, options.overrides);
  const auto dataset = datasets::open_dataset_unverified(job.dataset);
  check_task(job, task_of(dataset));
  return make_model(model_options(job, dataset))->warning();
}

}  // namespace ringtrain
