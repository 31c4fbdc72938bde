// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "job/kubernetes_spec.hpp"

namespace ringtrain::mpijob {

// Appends the volumes and secrets of a job's group kubernetes to a pod's volumes, and where they
// are mounted to a container's mounts.
void add_data_volumes(const KubernetesSpec& spec, nlohmann::ordered_json& volumes,
                      nlohmann::ordered_json& mounts);

}  // namespace ringtrain::mpijob
