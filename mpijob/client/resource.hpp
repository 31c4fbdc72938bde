// SPDX-License-Identifier: Apache-2.0
// Kinds of namespaced objects, and their addresses at the API server.
#pragma once

#include <string>

namespace ringtrain::mpijob {

struct Resource {
  std::string api_version;  // "kubeflow.org/v2beta1", "v1"
  std::string plural;       // "mpijobs"
  std::string singular;     // for messages: "MPIJob"

  // Returns the name that RBAC uses: "mpijobs.kubeflow.org", "pods"
  std::string qualified() const;
};

inline const Resource mpi_jobs{"kubeflow.org/v2beta1", "mpijobs", "MPIJob"};
inline const Resource pods{"v1", "pods", "pod"};
inline const Resource pod_logs{"v1", "pods/log", "log of pod"};
inline const Resource events{"v1", "events", "event"};
inline const Resource batch_jobs{"batch/v1", "jobs", "Job"};
inline const Resource config_maps{"v1", "configmaps", "ConfigMap"};

// Returns the resource of an object with this apiVersion and kind. Throws a job error for a kind
// that no job has.
Resource resource_of(const std::string& api_version, const std::string& kind);

// Returns "/apis/kubeflow.org/v2beta1/namespaces/lab/mpijobs/mnist", or the address of the list
// where `name` is empty.
std::string address(const Resource& resource, const std::string& name_space,
                    const std::string& name = "");

// Returns the text for use in an address: all but letters, digits and -._~ becomes %XX.
std::string url_escape(const std::string& text);

}  // namespace ringtrain::mpijob
