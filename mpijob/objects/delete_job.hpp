// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::mpijob {

struct DeleteOptions {
  std::chrono::seconds limit{120};  // for its pods to terminate
  bool force = false;               // also deletes pods whose node does not respond
};

// Deletes a job with its pods and the objects created for it, and waits until none is left. Objects
// that the operator or submit_job() created belong to the MPIJob and are deleted with it; objects
// that `kubectl apply` created from `ringtrain render` are found by their labels. Claims are never
// touched. Throws an ApiError where there is no object of that name, std::runtime_error where pods
// are left.
void delete_job(ApiClient& client, const std::string& name, const DeleteOptions& options);

}  // namespace ringtrain::mpijob
