// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/api/route.hpp"
#include "server/kubeml/metrics.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

// The REST of KubeML's controller below /kubeml, and functions, which KubeML leaves to Fission.
// What is passed must live as long as the table.
void add_kubeml_routes(Routes& routes, Jobs& jobs, Uploads& uploads, Kubeml& kubeml);

}  // namespace ringtrain::server
