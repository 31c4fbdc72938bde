// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"

namespace ringtrain {

// Handling of an output directory that is not there.
enum class MissingOutput {
  make,
  leave,  // the nearest directory above it is looked at instead
};

// Looks whether the files that a job names are there and its output directory can be written: makes
// the directory, and a file in it that it takes away again. For the machine that rank 0 runs on.
// Throws a data error for the dataset, a job error for the rest.
void check_paths(const JobSpec& job, MissingOutput missing = MissingOutput::make);

}  // namespace ringtrain
