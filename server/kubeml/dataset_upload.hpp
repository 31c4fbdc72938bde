// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/api/route.hpp"
#include "server/kubeml/storage.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

// Returns what takes the body of KubeML's POST /dataset/NAME: it is an upload of the server until
// its form is whole, so that memory does not grow with it. Throws a Problem before the body is
// read. What is passed must outlive the receiver.
net::BodyReceiver receive_dataset(KubemlStorage& storage, Uploads& uploads, const Call& call);

}  // namespace ringtrain::server
