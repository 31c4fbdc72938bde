// SPDX-License-Identifier: Apache-2.0
// From a job to what Kubernetes needs to run it, as `ringtrain render` prints and `ringtrain
// submit` sends it:
//
//   ServiceAccount NAME       the pods' identity, without rights (not where the job names one)
//   ConfigMap      NAME-job   the job file; launcher and ranks read it at /etc/ringtrain/job.yaml
//   MPIJob         NAME       kubeflow.org/v2beta1: one launcher and its workers
//
// PersistentVolumeClaims and Secrets are referred to, not made.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "job/job_spec.hpp"

namespace ringtrain::mpijob {

// The objects in the order in which they are to be made. The same job gives the same objects, byte
// for byte. `job_text` is the job file that the pods shall read, at most 1 MiB. Throws a job error
// where the job cannot run on Kubernetes: a name that is none there, a relative path, an output
// that lies on no volume, or what the MPI operator would refuse.
std::vector<nlohmann::ordered_json> render(const JobSpec& job, const std::string& job_text);

// Where the pods see the job file.
inline constexpr const char* job_file_in_pods = "/etc/ringtrain/job.yaml";

}  // namespace ringtrain::mpijob
