// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain::mpijob {

struct JobAndText {
  std::string file;  // its name
  JobSpec job;
  // The job file for the pods: the user's file with its comments, or with overrides a file written
  // from the job, since pods have no --set.
  std::string text;
  std::vector<std::string> notes = {};  // a line for each key that has no effect
};

// Reads a job file. Throws a job error as parse_job does.
JobAndText read_job(const std::filesystem::path& file, std::span<const std::string> overrides = {});

}  // namespace ringtrain::mpijob
