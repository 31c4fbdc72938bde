// SPDX-License-Identifier: Apache-2.0
// Prints a job's status for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mpijob/status/job_status.hpp"
#include "mpijob/status/training_log.hpp"

namespace ringtrain::mpijob {

struct JobPicture {
  JobStatus status;
  TrainingLog log;
  std::vector<std::string> notes;  // on objects that could not be read
  Time now;
};

// Returns "mnist: Running, epoch 2/3, step 440 of 1,407, ...", or "mnist: Pending: why".
std::string status_line(const JobPicture& picture);

// Returns that line, the pods with their nodes and ranks, and the problem of each.
std::string print_status(const JobPicture& picture);

nlohmann::ordered_json status_to_json(const JobPicture& picture);

// Prints columns as wide as they need to be; the last one is not padded.
std::string print_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace ringtrain::mpijob
