// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"

namespace ringtrain {

// Throws a job error, one line that names the key, if the job's loss, label smoothing, augmentation
// or model is not for the samples and answers of this dataset.
void check_task(const JobSpec& job, const datasets::DatasetIndex& dataset);

}  // namespace ringtrain
