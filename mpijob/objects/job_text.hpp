// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "job/job_spec.hpp"

namespace ringtrain::mpijob {

struct JobAndText {
  JobSpec job;
  // What pods are to read: the file as it was written, comments and all, or with overrides the job
  // as understood, since they have no --set.
  std::string text;
};

// Throws a job error as parse_job does.
JobAndText read_job(const std::filesystem::path& file, std::span<const std::string> overrides = {});

}  // namespace ringtrain::mpijob
