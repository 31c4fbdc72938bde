// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/worker/job_run.hpp"

namespace ringtrain {

// Makes the model of a job and tries it on samples of the dataset's shape, all zeros, without MPI.
// Returns the model's warning; empty: none. Throws as a run would: an error that names the model's
// file and what does not fit.
std::string check_model(const WorkerOptions& options);

}  // namespace ringtrain
