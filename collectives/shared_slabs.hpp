// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/range.hpp"
#include "collectives/node_group.hpp"
#include "collectives/wire.hpp"
#include "kernels/element.hpp"

namespace ringtrain::collectives {

// A slab of gradients for each rank of a node and one slab of parameters for all of them, in the
// memory of a NodeGroup. The ranks divide the work: each sums, and updates, its share of every
// bucket of the slabs, where the others read it.
//
// Thread: one thread of a rank at a time.
class SharedSlabs {
 public:
  // Bytes that `rank` has to bring to the group for slabs of `elements`.
  static size_t bytes(size_t elements, Wire wire, int rank);

  // owners: ranks 0 .. owners - 1 have shares, at most as many as the group has. The group must
  // outlive the slabs.
  SharedSlabs(const NodeGroup& group, size_t elements, Wire wire, int owners);

  // [elements] of this rank, and the sums after reduce(). fp32: what other ranks read.
  float* gradients();
  // [elements] of this rank where they are written as bf16, else null.
  kernels::bf16* wire();
  // [elements], the node's.
  float* parameters() const;
  // Every rank's gradients(), by rank; none where they are written as bf16.
  std::span<const float* const> all_gradients() const { return all_gradients_; }

  // This rank's part of a bucket, cut at cache lines so that no two ranks write to one. The shares
  // of all ranks cover the bucket.
  Range share(Range bucket) const;

  // Writes the sum of all ranks' gradients in share(bucket) to gradients(), added in the order of
  // ranks in fp32: the same bits whoever adds.
  //
  // Requires: a barrier of the group between the writing and this call.
  void reduce(Range bucket);

 private:
  template <class Element>
  Element* slab(int rank) const;
  template <class Element>
  void sum(Range range);

  const NodeGroup& group_;
  size_t elements_;
  Wire wire_;
  int owners_;
  std::vector<const float*> all_gradients_;
  std::vector<float> sums_;  // bf16: gradients()
};

}  // namespace ringtrain::collectives
