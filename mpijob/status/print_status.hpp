// SPDX-License-Identifier: Apache-2.0
// A job's status for people and for programs.
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
  std::vector<std::string> notes;  // what could not be read
  Time now;
};

// "mnist: Running, epoch 2/3, step 440 of 1,407, ...", or "mnist: Pending: why".
std::string status_line(const JobPicture& picture);

// The line, the pods with their nodes and ranks, and what is wrong with each.
std::string print_status(const JobPicture& picture);

nlohmann::ordered_json status_to_json(const JobPicture& picture);

// Columns of texts, as wide as they need; the last one is not padded.
std::string print_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace ringtrain::mpijob
