// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/order.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "base/check.hpp"

namespace ringtrain::datasets {
namespace {

// More lanes spread a batch over more blocks and let more ranks read disjoint parts; each holds a
// block in memory, and at each border between lanes one block is read twice.
constexpr uint64_t kMaxLanes = 32;
uint64_t choose_lanes(uint64_t batch_size) {
  for (uint64_t lanes = std::min(kMaxLanes, batch_size); lanes > 1; --lanes) {
    if (batch_size % lanes == 0) return lanes;
  }
  return 1;
}

}  // namespace

Slice slice_of(Slice global_batch, int rank, int world_size) {
  RINGTRAIN_CHECK(0 <= rank && rank < world_size);
  const auto r = static_cast<uint64_t>(rank);
  const auto size = static_cast<uint64_t>(world_size);
  const uint64_t share = global_batch.count / size;
  const uint64_t larger = global_batch.count % size;
  return {global_batch.first + r * share + std::min(r, larger), share + (r < larger ? 1 : 0)};
}

EpochOrder::EpochOrder(uint64_t rows, uint64_t block_rows, uint64_t batch_size, uint64_t seed,
                       bool shuffle, uint64_t epoch)
    : rows_(rows),
      block_rows_(block_rows),
      block_count_((rows + block_rows - 1) / block_rows),
      batch_size_(batch_size),
      lanes_(shuffle ? choose_lanes(batch_size) : 1),
      rows_per_lane_and_batch_(batch_size / lanes_),
      full_batches_(rows / batch_size),
      shuffle_(shuffle),
      key_(mix(seed, epoch)),
      blocks_(block_count_, key_),
      short_rows_(rows % block_rows),
      short_first_(rows) {
  if (short_rows_ > 0) {
    const uint64_t last = block_count_ - 1;
    short_first_ = (shuffle ? blocks_.inverse(last) : last) * block_rows;
  }
}

BlockOrder EpochOrder::block_at(uint64_t place) const {
  BlockOrder result;
  for_each_block(place, 1, [&](const BlockRange& range) {
    result.block = block(range.slot);
    result.first = place - range.first;
    result.rows = rows_of_block(result.block);
  });
  result.shuffle = shuffle_;
  if (shuffle_) result.inside = Permutation(result.rows, mix(key_, result.block));
  return result;
}

uint64_t EpochOrder::row(uint64_t position) const {
  uint64_t result = 0;
  for_each_lane({position, 1}, [&](const LaneRange& lane) {
    const BlockOrder at = block_at(lane.first);
    result = at.block * block_rows_ + at.row(lane.first);
  });
  return result;
}

SampleOrder::SampleOrder(uint64_t rows, uint64_t block_rows, uint64_t batch_size, uint64_t seed,
                         bool shuffle)
    : rows_(rows),
      block_rows_(block_rows),
      batch_size_(batch_size),
      seed_(seed),
      shuffle_(shuffle) {
  if (block_rows == 0) throw std::invalid_argument("SampleOrder: block_rows must be positive");
  if (batch_size == 0) throw std::invalid_argument("SampleOrder: batch_size must be positive");
}

EpochOrder SampleOrder::epoch(uint64_t epoch) const {
  return {rows_, block_rows_, batch_size_, seed_, shuffle_, epoch};
}

uint64_t SampleOrder::row(uint64_t epoch_index, uint64_t position) const {
  return epoch(epoch_index).row(position);
}

}  // namespace ringtrain::datasets
