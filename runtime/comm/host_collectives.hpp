// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "collectives/node_group.hpp"
#include "collectives/shared_slabs.hpp"
#include "runtime/comm/collectives.hpp"
#include "runtime/comm/mpi_all_reduce.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// CPU ranks, in two levels. Inside a node, gradient slabs and one copy of the parameters lie in
// shared memory, and each rank sums and updates its own part of every bucket. Between nodes, the
// owners of the same part form a group and all-reduce it over MPI, all groups at once.
//
//            node 0                      node 1
//   rank 0: [part 0|part 1]    rank 2: [part 0|part 1]
//   rank 1: [part 0|part 1]    rank 3: [part 0|part 1]
//              |      |                   |      |
//   sums:    rank 0  rank 1             rank 2  rank 3     in shared memory
//              |      +-------------------|------+         over MPI
//              +--------------------------+
//
// One node alone: no message is ever sent. One rank a node: an all-reduce over MPI alone.
//
// shard_optimizer: between nodes the sum ends with its first half, each node updates the part that
// it owns of it, and all_gather() collects the parameters.
class HostCollectives final : public Collectives {
 public:
  // node: the ranks that keep their slabs in one memory, all on this host. Collective.
  HostCollectives(const World& world, const MpiGroup& node, const CommOptions& options,
                  size_t elements);

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  Slabs slabs() override {
    return {
        .gradients = slabs_.gradients(), .wire = slabs_.wire(), .parameters = slabs_.parameters()};
  }
  Range share(Range bucket) const override;
  collectives::SharedSlabs* shared_slabs() override { return across_ ? nullptr : &slabs_; }
  bool overlaps() const override { return across_.has_value(); }
  std::string describe() const override;

  void reduce_scatter(std::span<const Range> buckets) override;
  void all_gather(std::span<const Range> buckets) override;
  void broadcast() override;
  void all_reduce(std::span<double> values, Over over) override;
  void barrier() override;

 private:
  bool owner() const { return node_.rank() < owners_; }

  int rank_;
  int size_;
  bool bf16_;
  bool shard_;
  size_t elements_;
  int owners_;  // local ranks that have a share: as many as the smallest node has ranks
  collectives::NodeGroup node_;
  collectives::SharedSlabs slabs_;
  std::optional<MpiGroup> peers_;  // the owners of the same share on all nodes
  std::optional<MpiAllReduce> across_;
};

}  // namespace ringtrain
