// SPDX-License-Identifier: Apache-2.0
// A job for Kubeflow Trainer (trainer.kubeflow.org/v1alpha1), which gives a launcher and its nodes
// SSH keys and a hostfile, as the MPI operator does:
//
//   ClusterTrainingRuntime ringtrain-NAME   the pods of the launcher and of the nodes
//   TrainJob               NAME             how many nodes, and ranks on each
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "job/job_spec.hpp"

namespace ringtrain::mpijob {

// `service_account`: the identity of the pods.
nlohmann::ordered_json training_runtime(const JobSpec& job, const std::string& service_account);
nlohmann::ordered_json trainjob(const JobSpec& job);

}  // namespace ringtrain::mpijob
