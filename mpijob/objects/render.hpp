// SPDX-License-Identifier: Apache-2.0
// The objects that Kubernetes needs to run a job, as `ringtrain render` prints and `ringtrain
// submit` sends them:
//
//   ServiceAccount NAME       the pods' identity, without rights (unless the job names one)
//   ConfigMap      NAME-job   the job file; launcher and ranks read it at /etc/ringtrain/job.yaml.
//                             With a script also the pods' /etc/passwd and /etc/group
//   MPIJob         NAME       kubeflow.org/v2beta1: one launcher and its workers
//
// or, for Kubeflow Trainer instead of the MPI operator (trainjob.hpp), a ClusterTrainingRuntime and
// a TrainJob.
//
// PersistentVolumeClaims and Secrets are referred to, not created.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "mpijob/objects/job_text.hpp"

namespace ringtrain::mpijob {

// Returns the objects in the order in which they are created. The same job gives the same objects,
// byte for byte. `job_text` is the job file for the pods, at most 1 MiB. Throws a job error where
// the job cannot run on Kubernetes: a name that is not valid there, a relative path, an output that
// is on no volume, or a value that the MPI operator would reject.
enum class RenderAs { mpijob, trainjob };
std::vector<nlohmann::ordered_json> render(const JobSpec& job, const std::string& job_text,
                                           RenderAs as = RenderAs::mpijob);

// The same for a job that was read from a file, which refusals name.
std::vector<nlohmann::ordered_json> render(const JobAndText& read, RenderAs as = RenderAs::mpijob);

// Returns name, namespace and labels of an object that belongs to a job.
nlohmann::ordered_json object_metadata(const JobSpec& job, const KubernetesSpec& spec,
                                       const std::string& name);

// Path of the job file in the pods.
inline constexpr const char* kJobFileInPods = "/etc/ringtrain/job.yaml";

}  // namespace ringtrain::mpijob
