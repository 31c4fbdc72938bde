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
class HostCommunicator final : public Communicator {
 public:
  // node: the ranks that keep their slabs in one memory (of one host), and of it this rank's group.
  HostCommunicator(const World& world, MpiGroup node, const CommunicationSpec& spec,
                   size_t elements);

  bool is_first() const override { return first_; }
  float* gradients() override { return slab(rank()); }
  float* parameters() override;
  Range share(Range bucket) const override;
  void reduce(Range bucket) override;
  void publish() override;
  void sum(std::span<double> values) override;
  void sum_over_shares(std::span<double> values) override;
  bool overlaps() const override { return across_.has_value(); }
  std::string describe() const override;

 private:
  int rank() const { return node_.rank(); }
  int size() const { return node_.size(); }
  float* slab(int local_rank) const;
  double* scratch(int local_rank) const;
  void sum_on_node(std::span<double> values);
  void sum_across(std::span<double> values);

  bool first_;
  size_t elements_;
  MpiGroup node_;
  int owners_;  // local ranks that have a share: as many as the smallest node has ranks
  std::optional<MpiGroup> peers_;  // the owners of the same share on all nodes
  std::optional<MpiAllReduce> across_;
  std::unique_ptr<SharedWindow> window_;
  std::unique_ptr<NodeBarrier> barrier_;
  unsigned sums_ = 0;  // parity picks the scratch buffer
};

}  // namespace ringtrain
