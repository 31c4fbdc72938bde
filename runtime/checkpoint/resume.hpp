// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "job/job_spec.hpp"
#include "runtime/checkpoint/folder.hpp"
#include "runtime/checkpoint/training_state.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// The checkpoint that a run continues from.
struct ResumePoint {
  std::filesystem::path path;
  TrainingState state;
  std::vector<NamedTensor> weights;    // rank 0 alone
  std::vector<NamedTensor> optimizer;  // rank 0 alone
};

// Finds the checkpoint that checkpoint.resume asks for; nothing if the job starts over. Skips
// damaged checkpoints with a warning, and moves checkpoints in `output` that are later than the
// chosen one aside. For rank 0. Throws a job error if the checkpoint is of another job, a data
// error if a path was given that cannot be read.
std::optional<ResumePoint> find_resume_point(const JobSpec& job,
                                             const datasets::DatasetIndex& dataset, const Warn& log,
                                             const Warn& warn);

// Path and state as text, for the other ranks; empty for none.
std::string print_resume_point(const std::optional<ResumePoint>& point);
std::optional<ResumePoint> resume_point_from(const std::string& text);

}  // namespace ringtrain
