// SPDX-License-Identifier: Apache-2.0
// The body of KubeML's POST /train, and the job that it means here: a rank for each of its
// functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace ringtrain::server {

// Returns the request with every member that KubeML knows: defaults are those of its command line.
// Throws a Problem, 500 for a body that is no JSON and 400 for numbers that cannot be.
nlohmann::ordered_json parse_train_request(const std::string& body);

struct KubemlTask {
  std::string id = {};        // 8 hexadecimal digits
  std::string code = {};      // path of the function file
  std::string datasets = {};  // folder of all datasets
  int quiet_seconds = 0;      // for which all functions may do nothing at all
  nlohmann::ordered_json request = {};
};

// Returns the job file, for python/kubeml/task.py. Its name is job-ID.
std::string job_file_of(const KubemlTask& task);

// Returns the request in a job's understood keys (JobRecord::understood); null where it is no task
// of KubeML.
nlohmann::ordered_json request_of(const std::string& understood);

}  // namespace ringtrain::server
