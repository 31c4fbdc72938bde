// SPDX-License-Identifier: Apache-2.0
// Whether a job's loss and model are for the samples and answers of its dataset, and its batch for
// the number of ranks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain {

// The samples and answers that a dataset offers to a model. Vectors: [targets].
struct DatasetTask {
  size_t classes = 0;                // 0: rows have targets
  std::vector<std::string> targets;  // names
  std::vector<float> least;          // range of each
  std::vector<float> largest;
  bool whole_numbers = false;  // samples are int64, as they are
  bool table = false;          // samples are columns, of one pixel each
  bool bytes = true;           // samples are u8
  int64_t channels = 3;
  bool has_test = true;  // there is a test part
};

// Throws a job error, one line that names the key, if the job's loss, label smoothing,
// augmentation, model or goal is not for this dataset.
void check_task(const JobSpec& job, const DatasetTask& dataset);

// Throws a job error if a batch has too few samples for that many ranks.
void check_ranks(const JobSpec& job, int ranks);

// Returns the loss that the job asks for; automatic becomes the usual one.
JobSpec::Loss loss_of(JobSpec::Loss asked, bool has_targets);

// Returns the loss of a name of the job file. Throws a data error for a name that is none.
JobSpec::Loss loss_named(std::string_view name);

}  // namespace ringtrain
