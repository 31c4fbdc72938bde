// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <cstddef>
#include <vector>

#include "runtime/comm/world.hpp"

namespace ringtrain {

// Memory of one node that all its ranks read and write: every rank brings `bytes`, and sees
// everyone's part. Zeroed, page-aligned by rank. Construction and destruction are collective over
// the node, before and after training (they call MPI); access in between is plain loads and stores,
// ordered by NodeBarrier.
class SharedWindow {
 public:
  // Throws a lost error, saying how much /dev/shm is needed, where the node cannot hold it.
  SharedWindow(const MpiGroup& node, size_t bytes);
  ~SharedWindow();
  SharedWindow(const SharedWindow&) = delete;
  SharedWindow& operator=(const SharedWindow&) = delete;

  // The part that local rank `rank` brought; each part may have another size.
  std::byte* part(int rank) const { return parts_[rank]; }

 private:
  MPI_Win window_ = MPI_WIN_NULL;
  std::vector<std::byte*> parts_;
};

}  // namespace ringtrain
