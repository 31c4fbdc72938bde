// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"

namespace ringtrain {

// Number of steps that a job takes, and the samples they cover.
struct Length {
  int64_t steps_per_epoch = 0;
  int64_t steps = 0;
  int64_t batch_size = 0;
  int64_t rows = 0;  // samples of an epoch

  // True if the step that brings the run to `step` is the last of its epoch or of the job.
  bool ends_epoch(int64_t step) const { return step == steps || step % steps_per_epoch == 0; }

  // Returns the number of samples that a run at `step` has used of the epoch.
  uint64_t position(int64_t epoch, int64_t step) const {
    return static_cast<uint64_t>(std::min((step - epoch * steps_per_epoch) * batch_size, rows));
  }
};

// Returns how many training samples a job uses: all, or the first ones.
// Throws a job error if it asks for more than there are.
uint64_t train_rows(const JobSpec& job, const datasets::DatasetIndex& dataset);

// Throws a job error if the dataset or the batch is too small for the number of ranks.
Length length_of(const JobSpec& job, const datasets::DatasetIndex& dataset, int world_size);

}  // namespace ringtrain
