// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectives/node_group.hpp"
#include "collectives/shared_slabs.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_all_reduce.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// CPU ranks, in two levels. Inside a node, gradient slabs and one copy of the parameters lie in
// shared memory, and each rank sums and updates its own part of every bucket. Between nodes, ranks
// with the same part form a group and all-reduce it over MPI, all groups at once.
//
// One node alone: no message is ever sent. One rank a node: an all-reduce over MPI alone.
//
// shard_optimizer (ZeRO stage 1, Rajbhandari et al. 2020): between nodes the sum ends with its
// first half, each node updates what it owns of it, and publish() gathers the parameters.
class HostCommunicator final : public Communicator {
 public:
  // node: the ranks that keep their slabs in one memory (of one host), and of it this rank's group.
  HostCommunicator(const World& world, MpiGroup node, const CommunicationSpec& spec,
                   size_t elements);

  bool is_first() const override { return first_; }
  float* gradients() override { return slabs_.gradients(); }
  kernels::bf16* wire() override { return slabs_.wire(); }
  float* parameters() override { return slabs_.parameters(); }
  std::vector<const float*> slabs() const override;
  void spread_parameters() override;
  Range share(Range bucket) const override;
  void reduce(Range bucket) override;
  void publish(std::span<const Range> buckets) override;
  void sum(std::span<double> values) override;
  void sum_over_shares(std::span<double> values) override;
  bool overlaps() const override { return across_.has_value(); }
  std::string describe() const override;

 private:
  bool owner() const { return group_.rank() < owners_; }

  bool first_;
  bool bf16_;
  bool shard_;
  size_t elements_;
  int owners_;  // local ranks that have a share: as many as the smallest node has ranks
  collectives::NodeGroup group_;
  collectives::SharedSlabs slabs_;
  std::optional<MpiGroup> peers_;  // the owners of the same share on all nodes
  std::optional<MpiAllReduce> across_;
};

}  // namespace ringtrain
