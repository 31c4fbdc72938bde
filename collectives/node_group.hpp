// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "collectives/node.hpp"
#include "collectives/node_barrier.hpp"
#include "collectives/node_memory.hpp"

namespace ringtrain::collectives {

// The ranks of one node: collectives of few values, under MPI's names, and memory for more.
//
// The part of each rank in the shared memory:
//
//   | barrier (rank 0's is used) | two slots for small values | memory() |
//
// A rank that writes its slot, waits in the barrier and reads the others' slots needs no second
// barrier: calls alternate between the two slots, and no rank is two calls ahead of a reader.
//
// Requires: every rank makes the same calls in the same order.
// Thread: one thread of a rank at a time.
class NodeGroup {
 public:
  // bytes: of memory() that this rank brings. Collective. Throws a lost error.
  NodeGroup(const Node& node, size_t bytes);

  int rank() const { return rank_; }
  int size() const { return size_; }

  // A rank's memory, aligned to pages and zero at first, for all ranks of the node.
  std::byte* memory(int rank) const;

  // Every rank sees all memory that the others wrote before. Throws a lost error at the timeout.
  void barrier();

  // Replaces each value by its sum over the ranks, added in the order of ranks: the same bits
  // everywhere. Ensures a barrier where there are values.
  void all_reduce(std::span<double> values);

  // Replaces the values by those of `root`. Ensures a barrier where there are values.
  void broadcast(std::span<double> values, int root);

 private:
  double* slot(int rank) const;

  int rank_;
  int size_;
  NodeMemory memory_;
  NodeBarrier barrier_;
  unsigned calls_ = 0;  // that used slots
};

}  // namespace ringtrain::collectives
