// SPDX-License-Identifier: Apache-2.0
#include "collectives/arena.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/round_up.hpp"

namespace ringtrain::collectives {

Arena::Arena(std::shared_ptr<SharedRegion> region) : region_(std::move(region)) {
  if (region_->arena_bytes() > 0) free_.emplace(0, region_->arena_bytes());
}

std::byte* Arena::allocate(size_t bytes) {
  const size_t whole = round_up(std::max(bytes, size_t{1}), RegionLayout::kPage);
  if (whole < bytes || !region_->is_ours()) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(free_.begin(), free_.end(), [&](const auto& f) { return f.second >= whole; });
  if (found == free_.end()) return nullptr;
  const auto [offset, room] = *found;
  free_.erase(found);
  if (room > whole) free_.emplace(offset + whole, room - whole);
  used_.emplace(offset, whole);
  return region_->arena(region_->rank()) + offset;
}

void Arena::free(std::byte* block) {
  if (!region_->is_ours()) return;  // the block is the rank's still
  const std::lock_guard lock(mutex_);
  const auto used = used_.find(static_cast<size_t>(block - region_->arena(region_->rank())));
  RINGTRAIN_CHECK(used != used_.end());
  auto at = free_.emplace(used->first, used->second).first;
  used_.erase(used);
  if (const auto next = std::next(at);
      next != free_.end() && at->first + at->second == next->first) {
    at->second += next->second;
    free_.erase(next);
  }
  if (at == free_.begin()) return;
  const auto before = std::prev(at);
  if (before->first + before->second == at->first) {
    before->second += at->second;
    free_.erase(at);
  }
}

}  // namespace ringtrain::collectives
