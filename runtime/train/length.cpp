// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/length.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "job/task.hpp"

namespace ringtrain {

uint64_t train_rows(const JobSpec& job, const datasets::DatasetIndex& dataset) {
  const uint64_t rows = dataset.train.rows;
  const auto wanted = static_cast<uint64_t>(job.samples.value_or(static_cast<int64_t>(rows)));
  if (wanted > rows) {
    throw job_error(fmt::format("samples: must be at most {}, the training samples of {}, found {}",
                                rows, job.dataset.string(), wanted));
  }
  return wanted;
}

Length length_of(const JobSpec& job, const datasets::DatasetIndex& dataset, int world_size) {
  const auto rows = static_cast<int64_t>(train_rows(job, dataset));
  if (rows < world_size) {
    throw job_error(fmt::format("{}, but only {}: start fewer ranks", counted(world_size, "rank"),
                                counted(rows, "training sample")));
  }
  check_ranks(job, world_size);
  const int64_t steps_per_epoch = (rows + job.batch_size - 1) / job.batch_size;
  const int64_t steps = job.epochs * steps_per_epoch;
  return {.steps_per_epoch = steps_per_epoch,
          .steps = std::min(steps, job.max_steps.value_or(steps)),
          .batch_size = job.batch_size,
          .rows = rows};
}

}  // namespace ringtrain
