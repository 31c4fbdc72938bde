// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmarks/predict/cluster.hpp"

namespace ringtrain::benchmarks {

// Seconds of one all-reduce of `bytes` of fp32 by all ranks of the cluster. The formulas, with
// their sources: docs/internals/prediction.md.
double all_reduce_seconds(const Cluster& cluster, const Averaging& averaging, double bytes);

// Seconds of its two halves where they are apart: with shard_optimizer the second follows the
// update, with parameter servers it fetches what they have updated. Both together take
// all_reduce_seconds().
struct SumHalves {
  double reduce_scatter = 0;
  double all_gather = 0;
};
SumHalves half_seconds(const Cluster& cluster, const Averaging& averaging, double bytes);
// Whether the halves are apart.
bool gathers_later(const Cluster& cluster, const Averaging& averaging);

// Seconds until all ranks have agreed on a few numbers.
double agree_seconds(const Cluster& cluster, const Averaging& averaging);

// Whether sums run beside the backward pass: those that wait for a network or a device.
bool overlaps(const Cluster& cluster, const Averaging& averaging);

// Sum inside a host (`ranks` of node.ranks take part).
double node_sum_seconds(const Node& node, double bytes);

// Time of NCCL's best algorithm and protocol.
double nccl_seconds(const Cluster& cluster, double node_bytes_per_second, double bytes);

}  // namespace ringtrain::benchmarks
