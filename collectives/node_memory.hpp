// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "collectives/node.hpp"

namespace ringtrain::collectives {

// Memory that the ranks of a node share: each brings a part, and all read and write every part.
//
//   rank 0                                 every other rank
//   ------                                 ----------------
//   memfd_create, listen on a socket
//   all_gather(address of the socket) ---> connect
//   send the descriptor -----------------> receive it
//   map, write zeros to the own part       map, write zeros to the own part
//
// The memory has no name, so nothing stays behind when ranks are killed, and it takes no room in
// /dev/shm. Access is plain loads and stores, ordered by NodeBarrier.
class NodeMemory {
 public:
  // bytes: of this rank's part; every rank may bring another number. Parts are zeroed, aligned to
  // pages, and first touched by the rank that brings them, so they lie on its NUMA node.
  //
  // Collective. Throws the same lost error on every rank where one of them fails.
  NodeMemory(const Node& node, size_t bytes);
  ~NodeMemory();
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  std::byte* part(int rank) const { return base_ + offsets_[static_cast<size_t>(rank)]; }

 private:
  void map(int file);

  std::vector<size_t> offsets_;  // of parts, by rank; then the total
  std::byte* base_ = nullptr;
};

}  // namespace ringtrain::collectives
