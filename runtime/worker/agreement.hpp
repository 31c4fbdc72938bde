// SPDX-License-Identifier: Apache-2.0
// What the ranks of a job must agree on before they train. Rank 0 reads it and broadcasts it, as
// the files need not be visible on the other hosts. Collective; an error on rank 0 is a SharedError
// on every rank.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "runtime/checkpoint/resume.hpp"
#include "runtime/comm/world.hpp"
#include "runtime/observe/reporter.hpp"

namespace ringtrain {

// Throws a job error on every rank where the job is refused, or runs a script instead of training.
// overrides: key=value, as given to --set. notes: gets a line for each key without effect, on rank
// 0 alone.
JobSpec agree_on_job(const World& world, const std::string& job_file,
                     const std::vector<std::string>& overrides,
                     std::vector<std::string>* notes = nullptr);

datasets::DatasetIndex agree_on_dataset(const World& world, const JobSpec& job);

// Returns the checkpoint to continue from; nothing for a run from the start. Tensors are on rank 0
// alone.
std::optional<ResumePoint> agree_on_resume_point(const World& world, const JobSpec& job,
                                                 const datasets::DatasetIndex& dataset,
                                                 const Reporter& reporter);

}  // namespace ringtrain
