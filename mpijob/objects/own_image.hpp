// SPDX-License-Identifier: Apache-2.0
// Pods of a script in an image of the user's own. An init container of our image brings launcher,
// sshd and Open MPI as one tree to /ringtrain (mpijob/image/ringtrain-tree); the image need not
// have user 1000, which the job's ConfigMap adds.
#pragma once

#include <nlohmann/json.hpp>

#include "job/job_spec.hpp"

namespace ringtrain::mpijob {

// Returns the files of the job's ConfigMap by which the pods know their user.
nlohmann::ordered_json own_image_files();

// Adds the tree to a pod: the volume, the init container, and the mounts of its first container.
// `init` is a container with name, image and security context. Requires: the pod has the volume
// "job" of the job's ConfigMap.
void add_tree(nlohmann::ordered_json init, nlohmann::ordered_json& pod);

// Returns the launcher's command.
nlohmann::ordered_json own_image_launcher(const JobSpec& job);

// Program that a worker's pod begins with.
inline constexpr const char* kOwnImageWorker = "/ringtrain/bin/ringtrain-pod";

}  // namespace ringtrain::mpijob
