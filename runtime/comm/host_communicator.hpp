// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_all_reduce.hpp"
#include "runtime/comm/node_barrier.hpp"
#include "runtime/comm/shared_window.hpp"
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
  float* gradients() override;
  kernels::bf16* wire() override;
  float* parameters() override;
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
  int rank() const { return node_.rank(); }
  int size() const { return node_.size(); }
  size_t wire_bytes() const { return bf16_ ? sizeof(kernels::bf16) : sizeof(float); }
  // Of a rank of this node, as float or bf16.
  template <class T>
  T* slab(int local_rank) const;
  Range node_share(Range bucket) const;
  template <class T>
  void sum_slabs(Range range);
  double* scratch(int local_rank) const;
  void sum_on_node(std::span<double> values);
  void sum_across(std::span<double> values);

  bool first_;
  bool bf16_;
  bool shard_;
  size_t elements_;
  MpiGroup node_;
  int owners_;  // local ranks that have a share: as many as the smallest node has ranks
  std::optional<MpiGroup> peers_;  // the owners of the same share on all nodes
  std::optional<MpiAllReduce> across_;
  std::unique_ptr<SharedWindow> window_;
  std::unique_ptr<NodeBarrier> barrier_;
  std::vector<float> sums_;  // bf16: what the slabs' share adds up to
  unsigned rounds_ = 0;      // of sum(); parity picks the scratch buffer
};

}  // namespace ringtrain
