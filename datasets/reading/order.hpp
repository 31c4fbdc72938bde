// SPDX-License-Identifier: Apache-2.0
// The row of the dataset at each position of each epoch: a pure function of the seed, so every rank
// knows it without a message, nothing is stored, and a run resumes from one integer.
//
// The rows are visited block by block in a shuffled order of blocks, and inside a block in a
// shuffled order of rows: a reader fetches whole blocks and still sees random samples (the rows
// were shuffled once when the file was written). This sequence is cut into lanes, and every global
// batch takes the same number of rows from each lane:
//
//     shuffled blocks   | 7  2  11 | 0  9  4 | 5  10  1 | 8  3  6 |  rest
//                         lane 0     lane 1    lane 2     lane 3     last, short batch
//     batch k         = [ c rows   | c rows  | c rows   | c rows ]
//
// A rank takes a contiguous slice of the batch, so it reads only the lanes under its slice, for any
// number of ranks; and a batch mixes rows of many blocks.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/mix.hpp"
#include "datasets/format/permutation.hpp"

namespace ringtrain::datasets {

// Consecutive positions of an epoch.
struct Slice {
  uint64_t first = 0;
  uint64_t count = 0;
  bool operator==(const Slice&) const = default;
};

// Returns a rank's slice of a global batch: contiguous; sizes differ by at most one, larger ones
// first.
Slice slice_of(Slice global_batch, int rank, int world_size);

// Positions that follow each other in one lane.
struct LaneRange {
  uint64_t lane = 0;   // lanes() for the last, short batch
  uint64_t first = 0;  // place in the sequence of shuffled blocks
  uint64_t count = 0;
};

// Rows of one block that follow each other in the sequence of shuffled blocks.
struct BlockRange {
  uint64_t slot = 0;   // position of the block in the sequence
  uint64_t first = 0;  // place inside the block, before the shuffle of its rows
  uint64_t count = 0;
};

// A block of the sequence with the order of its rows, kept while a reader walks a lane.
struct BlockOrder {
  uint64_t block = 0;
  uint64_t first = 0;  // the block's place in the sequence of shuffled blocks
  uint64_t rows = 0;
  bool shuffle = false;
  Permutation inside{1, 0};

  uint64_t end() const { return first + rows; }
  // Returns the row inside the block at a place of the sequence. Requires: first <= place < end().
  uint64_t row(uint64_t place) const { return shuffle ? inside(place - first) : place - first; }
};

// The order of one epoch.
// Thread: immutable; any thread may use it.
class EpochOrder {
 public:
  EpochOrder(uint64_t rows, uint64_t block_rows, uint64_t batch_size, uint64_t seed, bool shuffle,
             uint64_t epoch);

  // Returns the row at a position of the epoch. Requires: position < rows.
  uint64_t row(uint64_t position) const;

  // The same in steps, for a reader that goes block by block: lanes, then blocks, then rows.
  // Calls visit(LaneRange) for the positions of `slice`, in order.
  // Requires: they lie in one global batch.
  template <typename Visit>
  void for_each_lane(Slice slice, Visit&& visit) const;
  // Calls visit(BlockRange) for `count` places of the sequence from `first`, in order.
  template <typename Visit>
  void for_each_block(uint64_t first, uint64_t count, Visit&& visit) const;
  // Returns the block at a slot of the sequence.
  uint64_t block(uint64_t slot) const { return shuffle_ ? blocks_(slot) : slot; }
  // Returns the block that holds a place of the sequence.
  BlockOrder block_at(uint64_t place) const;

  uint64_t lanes() const { return lanes_; }

 private:
  uint64_t rows_of_block(uint64_t block) const {
    return block + 1 == block_count_ ? rows_ - block * block_rows_ : block_rows_;
  }

  uint64_t rows_;
  uint64_t block_rows_;
  uint64_t block_count_;
  uint64_t batch_size_;
  uint64_t lanes_;
  uint64_t rows_per_lane_and_batch_;
  uint64_t full_batches_;
  bool shuffle_;
  uint64_t key_;
  Permutation blocks_;
  uint64_t short_rows_;   // rows of the last block of the file when it is not full, else 0
  uint64_t short_first_;  // place in the sequence where that block begins; rows_ if there is none
};

// The order of every epoch of a job.
class SampleOrder {
 public:
  // Without shuffle the row at position p is p.
  SampleOrder(uint64_t rows, uint64_t block_rows, uint64_t batch_size, uint64_t seed, bool shuffle);
  EpochOrder epoch(uint64_t epoch) const;
  uint64_t row(uint64_t epoch, uint64_t position) const;

 private:
  uint64_t rows_;
  uint64_t block_rows_;
  uint64_t batch_size_;
  uint64_t seed_;
  bool shuffle_;
};

// Terms of the order hash: mix(epoch, position, row) for a row that is delivered. The sum (mod
// 2^64) over all rows does not depend on the rank that delivered them, or when.
class OrderTerms {
 public:
  explicit OrderTerms(uint64_t epoch) : epoch_(mix(epoch)) {}
  uint64_t operator()(uint64_t position, uint64_t row) const {
    return mix(mix(epoch_ + position) + row);
  }

 private:
  uint64_t epoch_;
};

template <typename Visit>
void EpochOrder::for_each_lane(Slice slice, Visit&& visit) const {
  const uint64_t end = slice.first + slice.count;
  uint64_t position = slice.first;
  const uint64_t full = full_batches_ * batch_size_;
  if (lanes_ == 1 || position >= full) {
    if (slice.count > 0) visit(LaneRange{position >= full ? lanes_ : 0, position, slice.count});
    return;
  }
  const uint64_t batch = position / batch_size_;
  const uint64_t c = rows_per_lane_and_batch_;
  const uint64_t offset = position - batch * batch_size_;
  uint64_t lane = offset / c;
  uint64_t inside = offset - lane * c;
  for (; position < end; ++lane, inside = 0) {
    const uint64_t count = c - inside < end - position ? c - inside : end - position;
    visit(LaneRange{lane, (lane * full_batches_ + batch) * c + inside, count});
    position += count;
  }
}

template <typename Visit>
void EpochOrder::for_each_block(uint64_t first, uint64_t count, Visit&& visit) const {
  while (count > 0) {
    BlockRange range;
    uint64_t size = block_rows_;
    if (first < short_first_) {
      range.slot = first / block_rows_;
      range.first = first % block_rows_;
    } else if (first < short_first_ + short_rows_) {
      range.slot = short_first_ / block_rows_;
      range.first = first - short_first_;
      size = short_rows_;
    } else {
      range.slot = (first - short_rows_) / block_rows_ + 1;
      range.first = (first - short_rows_) % block_rows_;
    }
    range.count = size - range.first < count ? size - range.first : count;
    visit(range);
    first += range.count;
    count -= range.count;
  }
}

}  // namespace ringtrain::datasets
