// SPDX-License-Identifier: Apache-2.0
// The job that trains the model of a TrainInKube: the job file that stands for it, and its objects.
//
// From weakest to strongest: what Train In Kubes did (6 shares of a minibatch, plain SGD at 0.01,
// /data of the node), the operator's defaults (`ringtrain-operator --defaults`), the resource's
// eight fields, the keys of its annotation trainink8s.com/job.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "mpijob/operator/train_in_kube.hpp"

namespace ringtrain::mpijob {

// Reads keys of the job file that hold for every resource, as YAML; `name` stands in messages.
// Throws a job error.
nlohmann::json read_defaults(const std::string& text, const std::string& name);

// Findings of the split step.
struct SplitResult {
  std::string model;       // path of the file that the model's image has written
  int64_t train_rows = 0;  // of the dataset
};

// Returns the job. Without a `split`, which comes later, with any model: for its group kubernetes,
// and to refuse early. Throws a job error of one line that names the field or the key.
JobSpec training_job(const TrainInKube& resource, const nlohmann::json& defaults,
                     const SplitResult* split = nullptr);

// Returns the objects for submit_job(): MPIJob, ConfigMap and ServiceAccount, with the resource as
// their owner. Throws as training_job().
std::vector<nlohmann::ordered_json> training_objects(const TrainInKube& resource,
                                                     const JobSpec& job);

// Returns path of the dataset that the split step writes, and of the job's output folder.
std::string dataset_of(const TrainInKube& resource);
std::string output_of(const TrainInKube& resource);

}  // namespace ringtrain::mpijob
