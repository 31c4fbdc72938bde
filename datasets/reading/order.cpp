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

Permutation::Permutation(uint64_t size, uint64_t key) : size_(size), key_(key) {
  const auto bits = std::max(2U, static_cast<unsigned>(std::bit_width(size > 0 ? size - 1 : 0)));
  const unsigned left_bits = bits / 2;
  right_bits_ = bits - left_bits;
  left_mask_ = (uint64_t{1} << left_bits) - 1;
  right_mask_ = (uint64_t{1} << right_bits_) - 1;
}

uint64_t Permutation::decrypt(uint64_t value) const {
  uint64_t left = value >> right_bits_;
  uint64_t right = value & right_mask_;
  uint64_t key = key_ + kNextKey * (kRounds / 2);
  for (unsigned round = 0; round < kRounds; round += 2) {
    key -= kNextKey;
    right ^= round_function(left, key ^ kOtherHalf) & right_mask_;
    left ^= round_function(right, key) & left_mask_;
  }
  return left << right_bits_ | right;
}

uint64_t Permutation::inverse(uint64_t image) const {
  do {
    image = decrypt(image);
  } while (image >= size_);
  return image;
}

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
    for_each_block(lane.first, 1, [&](const BlockRange& range) {
      const uint64_t b = block(range.slot);
      for_each_row(b, range.first, 1, [&](uint64_t inside) { result = b * block_rows_ + inside; });
    });
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
