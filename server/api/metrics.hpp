// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/api/event_stream.hpp"
#include "server/api/request_times.hpp"
#include "server/jobs/jobs.hpp"
#include "server/kubeml/metrics.hpp"

namespace ringtrain::server {

// Figures of the server, and of its jobs that are not at rest or were not 15 minutes ago, in
// Prometheus' text format; with those of KubeML.
std::string metrics_text(Jobs& jobs, const EventStream& events, const RequestTimes& times,
                         const Kubeml& kubeml);

}  // namespace ringtrain::server
