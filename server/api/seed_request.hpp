// SPDX-License-Identifier: Apache-2.0
// The body of k8s-distributed-training's POST /jobs, checked as its Pydantic model does, and as the
// job file that it means here.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace ringtrain::server {

struct SeedRequest {
  std::string job_name = {};
  std::string image = "trainer:latest";
  int64_t epochs = 2;
  int64_t dataset_size = 0;  // samples of an epoch; 0: all
  int64_t batch_size = 64;   // of each process
  int64_t world_size = 2;
  std::string dataset_type = "mnist";
  std::string dataset_uri = {};  // empty: the data set of that type
};

// Throws a Problem 422 whose "detail" is FastAPI's list.
SeedRequest parse_seed_request(const std::string& body);

// Reads the YAML of `ringtrain server --job-defaults`, which says of a job in a cluster what a body
// cannot say. Its keys are those of the job file: the group `kubernetes`; `output`, the folder in
// which each job gets one of its own; optionally `dataset`, for bodies without dataset_uri. `name`
// stands for the file in messages. Throws a job error.
nlohmann::json read_seed_defaults(const std::string& text, const std::string& name);

// Returns the job file: the model and optimizer of that trainer, as near as this one has them.
// `defaults`: of read_seed_defaults(), or null for a job on this machine. In a cluster the body's
// image is the pods' one, unless `defaults` name one.
// Throws a Problem 500, as its server answers what Kubernetes refuses.
std::string job_file_of(const SeedRequest& request, const nlohmann::json& defaults = nullptr);

}  // namespace ringtrain::server
