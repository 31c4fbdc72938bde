// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/kubeml/predictions.hpp"
#include "server/kubeml/tasks.hpp"
#include "tracking/metrics_text.hpp"

namespace ringtrain::server {

// The users of KubeML's controller, on one server.
struct Kubeml {
  KubemlStorage storage;
  KubemlTasks tasks;
  Predictions predictions;
};

// Adds KubeML's figures, of tasks that have not ended, under the names of its parameter server and
// of its Grafana board, which has older ones.
void add_kubeml(tracking::MetricsText& text, const Kubeml& kubeml);

}  // namespace ringtrain::server
