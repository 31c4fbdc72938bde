// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datasets/format/plan.hpp"
#include "job/job_spec.hpp"
#include "runtime/checkpoint/folder.hpp"
#include "runtime/checkpoint/training_state.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// What a run goes on from.
struct ResumePoint {
  std::filesystem::path path;
  TrainingState state;
  std::vector<NamedTensor> weights;    // rank 0 alone
  std::vector<NamedTensor> optimizer;  // rank 0 alone
};

// For rank 0: as checkpoint.resume says, with no point where the job starts anew. Damaged
// checkpoints are passed over with a warning; what a person should know is logged. Checkpoints
// below output that are not on the way to the chosen point are set aside. Throws a job error where
// the checkpoint is of another job, a data error where a path was given and what is there cannot be
// read.
std::optional<ResumePoint> find_resume_point(const JobSpec& job, const datasets::Plan& plan,
                                             const Warn& log, const Warn& warn);

// Path and state, for the other ranks; empty for none.
std::string print_resume_point(const std::optional<ResumePoint>& point);
std::optional<ResumePoint> resume_point_from(const std::string& text);

}  // namespace ringtrain
