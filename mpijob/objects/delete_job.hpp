// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::mpijob {

struct DeleteOptions {
  std::chrono::seconds limit{120};  // for its pods to end
  bool force = false;               // forget pods whose node does not answer
};

// Removes a job with its pods and what was made for it, and waits until nothing of it is left. What
// the operator makes, and what submit() made, belongs to the MPIJob and goes with it; objects that
// `kubectl apply` made from `ringtrain render` are found by their labels. Claims are never touched.
// Throws an ApiError where there is nothing of that name, std::runtime_error where pods stay.
void delete_job(ApiClient& client, const std::string& name, const DeleteOptions& options);

}  // namespace ringtrain::mpijob
