// SPDX-License-Identifier: Apache-2.0
// A step and a cluster that several tests predict.
#pragma once

#include "benchmarks/predict/prediction.hpp"

namespace ringtrain::benchmarks {

// 100 ms of forward, 200 ms of backward, 10 ms of optimizer, 5 ms of the rest; 100 MB of gradients
// in 10 buckets.
inline StepProfile example_step() {
  StepProfile step;
  step.batch = 32;
  step.forward = 0.1;
  step.backward = 0.2;
  step.optimizer = 0.01;
  step.other = 0.005;
  step.buckets = spread_buckets(std::vector<double>(10, 10e6), step.backward);
  return step;
}

// Hosts of one rank each, 1 GB/s and 100 us apart.
inline Cluster example_cluster(int hosts) {
  Cluster cluster;
  cluster.hosts = hosts;
  cluster.link = {.bytes_per_second = 1e9, .latency = 100e-6, .message = 0};
  return cluster;
}

}  // namespace ringtrain::benchmarks
