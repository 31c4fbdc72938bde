// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "collectives/shared_region.hpp"

namespace ringtrain::collectives {

// Blocks of a rank's part of the shared memory, for data that collectives read where it lies. Only
// memory that was touched is taken from the machine; freed blocks are used again.
//
// Thread: any.
class Arena {
 public:
  explicit Arena(std::shared_ptr<SharedRegion> region);

  // Returns a block, aligned to pages; null where no room is left, and in a forked child.
  std::byte* allocate(size_t bytes);
  void free(std::byte* block);

 private:
  std::shared_ptr<SharedRegion> region_;
  std::mutex mutex_;
  std::map<size_t, size_t> free_;  // offset: bytes; no two of them touch
  std::map<size_t, size_t> used_;
};

}  // namespace ringtrain::collectives
