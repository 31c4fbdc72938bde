// SPDX-License-Identifier: Apache-2.0
// What a prediction is made for: machines, links, and how gradients are averaged. Seconds and
// bytes.
#pragma once

#include <limits>
#include <vector>

namespace ringtrain::benchmarks {

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// A measured all-reduce: its time, until every rank can read the sum.
struct SumTime {
  double bytes = 0;
  double seconds = 0;
};

// The network of a host; all hosts have the same, and no two share a cable.
struct Link {
  double bytes_per_second = kNoLimit;  // each way at once, as TCP or NCCL reaches it
  double latency = 0;                  // of a message, with the software's share
  double message = 0;                  // core's time for a message of up to 128 KiB
};

// Ranks of one host and what they share.
struct Node {
  int ranks = 1;
  int cores = 0;  // 0: not known; more ranks than cores take turns
  // Step without averaging of `measured_ranks` ranks at once over that of one rank alone: memory
  // and caches are shared.
  int measured_ranks = 1;
  double slowdown = 1;
  // Sums inside the host: measured at sum_ranks ranks (by bytes, ascending), or, without
  // measurements, by bandwidth.
  int sum_ranks = 0;
  std::vector<SumTime> sums = {};
  double sum_bytes_per_second = kNoLimit;  // of memory, all ranks together
  double barrier = 0;
};

// Differences between ranks and steps, as shares of a step's computation.
struct Stragglers {
  double random = 0;      // standard deviation from step to step, of each rank by itself
  double persistent = 0;  // by which the slowest rank is always slower than the mean
};

struct Cluster {
  int hosts = 1;
  Node node;
  Link link;
  Stragglers stragglers;
  // Share by which computation is slower while a sum is under way.
  double interference = 0;
  // Samples a second that a host's storage delivers, and that the storage of all hosts does.
  double host_samples_per_second = kNoLimit;
  double shared_samples_per_second = kNoLimit;

  int ranks() const { return hosts * node.ranks; }
};

struct Averaging {
  // automatic: shared memory inside a host; between hosts the faster one of direct and ring, as
  // communication.algorithm: auto measures it. nccl: rings and trees over all GPUs.
  // parameter_servers: gradients are pushed as they come, parameters fetched after the last one.
  enum class Method { automatic, direct, ring, nccl, parameter_servers };

  Method method = Method::automatic;
  bool bf16 = false;                        // wire: bf16
  int sync_every = 1;                       // local SGD above 1
  bool shard_optimizer = false;             // ZeRO stage 1
  int state_arrays = 1;                     // of the optimizer, each as large as the parameters
  int servers = 0;                          // hosts that hold parameters; 0: all
  double node_bytes_per_second = kNoLimit;  // NVLink, for nccl
  int waits = 0;  // moments in a step at which all ranks wait, such as layers of batch statistics
};

}  // namespace ringtrain::benchmarks
