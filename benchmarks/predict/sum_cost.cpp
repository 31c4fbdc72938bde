// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/sum_cost.hpp"

#include <algorithm>
#include <cmath>

namespace ringtrain::benchmarks {
namespace {

using Method = Averaging::Method;

constexpr double kSegment = 128 * 1024;  // MpiAllReduce::kSegmentBytes

double messages(double bytes) { return std::max(1.0, std::ceil(bytes / kSegment)); }

// Seconds between hosts. Each rank of a host sums its own share with those of the same share, so
// that a host sends what one rank would, in as many lanes; the core's time for messages is each
// lane's own.
SumHalves between_hosts(const Cluster& cluster, const Averaging& averaging, double bytes) {
  const double n = cluster.hosts;
  if (n == 1) return {};
  const Link& link = cluster.link;
  const double lane = bytes / cluster.node.ranks;
  const double wire = averaging.bf16 ? bytes / 2 : bytes;
  // Around a ring, n - 1 times a chunk of 1/n. bf16 sends as many bytes of half the size, every
  // chunk straight to its owner.
  const double chunk_messages = messages(averaging.bf16 ? lane / n / 2 : lane / n);
  const double half = (averaging.bf16 ? 1 : n - 1) * link.latency +
                      (n - 1) * chunk_messages * link.message +
                      (n - 1) / n * wire / link.bytes_per_second;
  const SumHalves ring = {half, half};
  if (averaging.bf16 || averaging.method == Method::ring || averaging.shard_optimizer) return ring;
  // Everybody sends all to everybody.
  const double direct = link.latency + (n - 1) * messages(lane) * link.message +
                        (n - 1) * bytes / link.bytes_per_second;
  if (averaging.method == Method::direct || direct < 2 * half) return {direct, 0};
  return ring;
}

// The server that receives most takes a share of the gradients from every other host.
SumHalves parameter_servers(const Cluster& cluster, const Averaging& averaging, double bytes) {
  const int servers = averaging.servers > 0 ? averaging.servers : cluster.hosts;
  if (cluster.hosts == 1) return {};
  const double busiest = bytes * (cluster.hosts - 1) / servers;
  const double half = cluster.link.latency + busiest / cluster.link.bytes_per_second;
  return {half, half};
}

// Between two measured sizes as a power law, beyond them at the nearest one's rate or latency.
double interpolate(const std::vector<SumTime>& sums, double bytes) {
  const auto above =
      std::lower_bound(sums.begin(), sums.end(), bytes,
                       [](const SumTime& sum, double wanted) { return sum.bytes < wanted; });
  if (above == sums.begin()) return above->seconds;
  if (above == sums.end()) return sums.back().seconds * bytes / sums.back().bytes;
  const SumTime& below = *(above - 1);
  const double share = std::log(bytes / below.bytes) / std::log(above->bytes / below.bytes);
  return below.seconds * std::pow(above->seconds / below.seconds, share);
}

}  // namespace

double node_sum_seconds(const Node& node, double bytes) {
  if (node.ranks == 1) return 0;
  // A sum of q arrays reads q of them and writes one.
  if (!node.sums.empty()) {
    return interpolate(node.sums, bytes) * (node.ranks + 1) / (node.sum_ranks + 1);
  }
  return 2 * node.barrier + (node.ranks + 1) * bytes / node.sum_bytes_per_second;
}

bool overlaps(const Cluster& cluster, const Averaging& averaging) {
  return cluster.hosts > 1 || (averaging.method == Method::nccl && cluster.ranks() > 1);
}

bool gathers_later(const Cluster& cluster, const Averaging& averaging) {
  return averaging.method == Method::parameter_servers ||
         (averaging.shard_optimizer && cluster.hosts > 1);
}

SumHalves half_seconds(const Cluster& cluster, const Averaging& averaging, double bytes) {
  if (cluster.ranks() == 1) return {};
  switch (averaging.method) {
    case Method::nccl: {
      const double sum = nccl_seconds(cluster, averaging.node_bytes_per_second,
                                      averaging.bf16 ? bytes / 2 : bytes);
      return {sum / 2, sum / 2};
    }
    case Method::parameter_servers:
      return parameter_servers(cluster, averaging, bytes);
    default: {
      SumHalves halves = between_hosts(cluster, averaging, bytes);
      halves.reduce_scatter += node_sum_seconds(cluster.node, bytes);
      return halves;
    }
  }
}

double all_reduce_seconds(const Cluster& cluster, const Averaging& averaging, double bytes) {
  const SumHalves halves = half_seconds(cluster, averaging, bytes);
  return halves.reduce_scatter + halves.all_gather;
}

double agree_seconds(const Cluster& cluster, const Averaging& averaging) {
  if (cluster.ranks() == 1) return 0;
  if (averaging.method == Method::nccl) {
    return nccl_seconds(cluster, averaging.node_bytes_per_second, 64);
  }
  // Open MPI's all-gather of few bytes doubles what each rank has in every round.
  const double rounds = std::ceil(std::log2(cluster.hosts));
  const double inside = cluster.node.ranks > 1 ? 2 * cluster.node.barrier : 0;
  return inside + rounds * (cluster.link.latency + cluster.link.message);
}

}  // namespace ringtrain::benchmarks
