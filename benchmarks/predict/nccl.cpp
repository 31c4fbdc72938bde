// SPDX-License-Identifier: Apache-2.0
// The times by which NCCL 2.2x chooses an algorithm: src/graph/tuning.cc, with its constants in
// microseconds. Latency plus bytes over bandwidth, for rings and trees, in the protocols LL (8 of
// 16 bytes are data), LL128 (120 of 128) and Simple.
#include <algorithm>
#include <array>
#include <cmath>

#include "benchmarks/predict/sum_cost.hpp"

namespace ringtrain::benchmarks {
namespace {

struct Protocol {
  double ring_base, tree_base;
  double ring_inside, tree_inside;  // a step over NVLink
  double ring_between, tree_between;
  double bandwidth;  // share that is data
};

constexpr Protocol kLowLatency = {6.6, 6.8, 0.6, 0.6, 2.7, 5, 0.5};
constexpr Protocol kLowLatency128 = {14, 14, 1.9, 1.25, 4, 8.5, 0.92};
constexpr Protocol kSimple = {8.4, 8.4, 3.4, 4, 14, 14, 1};
constexpr double kSimpleRingBetweenHosts = 1.4;  // factor of its latency, from Ampere on
constexpr double kTreeBandwidth = 0.92;
constexpr double kMicrosecond = 1e-6;

// Bytes that pass the busiest link, over its bandwidth.
double wire_seconds(const Cluster& cluster, double node_bytes_per_second, double bytes) {
  const double p = cluster.ranks();
  const double between = cluster.hosts > 1 ? cluster.link.bytes_per_second : kNoLimit;
  return 2 * (p - 1) / p * bytes / std::min(node_bytes_per_second, between);
}

double ring(const Cluster& cluster, const Protocol& protocol, double wire) {
  const double steps = 2.0 * (cluster.ranks() - 1);
  const double between = 2.0 * (cluster.hosts - 1);
  double latency = protocol.ring_base + (steps - between) * protocol.ring_inside +
                   between * protocol.ring_between;
  const bool simple = protocol.bandwidth == kSimple.bandwidth;
  if (simple && cluster.hosts > 1) latency *= kSimpleRingBetweenHosts;
  return latency * kMicrosecond + wire / protocol.bandwidth;
}

double tree(const Cluster& cluster, const Protocol& protocol, double wire) {
  const double latency =
      protocol.tree_base + 2 * ((cluster.node.ranks - 1) * protocol.tree_inside +
                                std::log2(cluster.hosts) * protocol.tree_between);
  return latency * kMicrosecond + wire / protocol.bandwidth / kTreeBandwidth;
}

}  // namespace

double nccl_seconds(const Cluster& cluster, double node_bytes_per_second, double bytes) {
  if (cluster.ranks() == 1) return 0;
  const double wire = wire_seconds(cluster, node_bytes_per_second, bytes);
  double best = kNoLimit;
  for (const Protocol& protocol : {kLowLatency, kLowLatency128, kSimple}) {
    best = std::min({best, ring(cluster, protocol, wire), tree(cluster, protocol, wire)});
  }
  return best;
}

}  // namespace ringtrain::benchmarks
