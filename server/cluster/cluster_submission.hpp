// SPDX-License-Identifier: Apache-2.0
// From a job file that somebody sent to a job that runs in the server's namespace of a cluster.
// What its pods may use is the cluster's decision, by the rights of whoever sent it.
#pragma once

#include <string>

#include "server/jobs/submission.hpp"

namespace ringtrain::server {

// `name_space`: of the server. Submission::ranks must be whole pods.
CheckedJob check_for_cluster(const Submission& submission, const std::string& name_space);

// Gives a job that was checked another name, and an output of its own: a copy must not write over
// what the first one wrote. Throws a Problem 422 where its output does not end with its name.
void rename_in_cluster(CheckedJob& checked, const std::string& name);

}  // namespace ringtrain::server
