// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "datasets/format/permutation.hpp"

namespace ringtrain::datasets {
namespace {

std::vector<uint64_t> epoch_rows(const SampleOrder& order, uint64_t rows, uint64_t epoch) {
  const EpochOrder one = order.epoch(epoch);
  std::vector<uint64_t> result(rows);
  for (uint64_t p = 0; p < rows; ++p) result[p] = one.row(p);
  return result;
}

TEST(Order, VisitsEveryRowOnceWhateverTheSizes) {
  for (const uint64_t rows : {1, 2, 63, 64, 65, 1000, 1024, 5000}) {
    for (const uint64_t block_rows : {1, 7, 64, 6000}) {
      for (const uint64_t batch : {1, 3, 32, 100, 128, 127, 9000}) {
        for (const bool shuffle : {true, false}) {
          auto seen = epoch_rows(SampleOrder(rows, block_rows, batch, 1, shuffle), rows, 3);
          ASSERT_TRUE(shuffle || std::is_sorted(seen.begin(), seen.end()));
          std::sort(seen.begin(), seen.end());
          for (uint64_t i = 0; i < rows; ++i) {
            ASSERT_EQ(seen[i], i) << rows << " " << block_rows << " " << batch;
          }
        }
      }
    }
  }
}

TEST(Order, IsAnotherOneForEverySeedAndEpoch) {
  const SampleOrder order(1000, 64, 32, 1, true);
  EXPECT_EQ(epoch_rows(order, 1000, 0), epoch_rows(SampleOrder(1000, 64, 32, 1, true), 1000, 0));
  EXPECT_NE(epoch_rows(order, 1000, 0), epoch_rows(order, 1000, 1));
  EXPECT_NE(epoch_rows(order, 1000, 0), epoch_rows(SampleOrder(1000, 64, 32, 2, true), 1000, 0));
}

TEST(Order, GivesRowsOneByOneAsInRanges) {
  const SampleOrder order(1000, 64, 96, 5, true);
  const EpochOrder epoch = order.epoch(2);
  for (uint64_t first = 0; first < 1000; first += 96) {
    const uint64_t count = std::min<uint64_t>(96, 1000 - first);
    std::vector<uint64_t> rows;
    epoch.for_each_lane({first, count}, [&](const LaneRange& lane) {
      for (uint64_t place = lane.first; place < lane.first + lane.count;) {
        const BlockOrder block = epoch.block_at(place);
        const uint64_t end = std::min(lane.first + lane.count, block.end());
        for (; place < end; ++place) rows.push_back(block.block * 64 + block.row(place));
      }
    });
    ASSERT_EQ(rows.size(), count);
    for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(rows[i], order.row(2, first + i));
  }
}

TEST(Slice, PartsAreContiguousCompleteAndEven) {
  for (const uint64_t count : {0, 1, 3, 7, 128, 1000}) {
    for (const int size : {1, 2, 3, 4, 8, 64}) {
      uint64_t next = 5;
      uint64_t smallest = ~uint64_t{0};
      uint64_t largest = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Slice slice = slice_of({5, count}, rank, size);
        EXPECT_EQ(slice.first, next);
        next += slice.count;
        smallest = std::min(smallest, slice.count);
        largest = std::max(largest, slice.count);
      }
      EXPECT_EQ(next, 5 + count);
      EXPECT_LE(largest - smallest, 1U);
    }
  }
}

// A chi-squared statistic over its degrees of freedom is near 1 when the counts are those of
// chance.
double chi_squared_over_dof(const std::vector<double>& counts) {
  const double mean =
      std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  double sum = 0;
  for (const double count : counts) sum += (count - mean) * (count - mean) / mean;
  return sum / static_cast<double>(counts.size() - 1);
}

TEST(Order, ARankReadsFewMoreBlocksThanItsRowsFill) {
  constexpr uint64_t kRows = 64000, kBlockRows = 64, kBatch = 128;
  const EpochOrder order = SampleOrder(kRows, kBlockRows, kBatch, 11, true).epoch(0);
  uint64_t blocks = 0;
  for (int rank = 0; rank < 4; ++rank) {
    std::vector<uint64_t> newest(order.lanes() + 1, ~uint64_t{0});
    for (uint64_t first = 0; first < kRows; first += kBatch) {
      order.for_each_lane(slice_of({first, kBatch}, rank, 4), [&](const LaneRange& range) {
        order.for_each_block(range.first, range.count, [&](const BlockRange& in_block) {
          if (std::exchange(newest[range.lane], in_block.slot) != in_block.slot) ++blocks;
        });
      });
    }
  }
  // 1000 blocks and 31 borders between lanes.
  EXPECT_LE(blocks, 1050U);
}

TEST(OrderRandomness, EveryRowComesToEveryPlaceEquallyOften) {
  constexpr uint64_t kRows = 640;
  constexpr uint64_t kEpochs = 20000;
  const SampleOrder order(kRows, 32, 32, 9, true);
  // Row 100 and the last row, over 20 equal stretches of the epoch.
  for (const uint64_t watched : {uint64_t{100}, kRows - 1}) {
    std::vector<double> counts(20);
    for (uint64_t e = 0; e < kEpochs; ++e) {
      const EpochOrder epoch = order.epoch(e);
      for (uint64_t p = 0; p < kRows; ++p) {
        if (epoch.row(p) == watched) counts[p * 20 / kRows] += 1;
      }
    }
    const double ratio = chi_squared_over_dof(counts);
    EXPECT_GT(ratio, 0.2) << watched;
    EXPECT_LT(ratio, 2.5) << watched;  // 1.9 is exceeded once in a hundred times
  }
}

TEST(OrderRandomness, BatchesMixClassesLikeChance) {
  // Rows were shuffled at import; here the worst case is a window of few blocks. 100 classes in
  // rows that are shuffled by a permutation, batches of 256: the expected number of different
  // classes is 100 (1 - (1 - 1/100)^256) = 92.4.
  constexpr uint64_t kRows = 50000;
  const Permutation import_shuffle(kRows, 3);
  const SampleOrder order(kRows, 668, 256, 1, true);
  const EpochOrder epoch = order.epoch(0);
  double total = 0;
  const uint64_t batches = kRows / 256;
  for (uint64_t b = 0; b < batches; ++b) {
    std::set<uint64_t> classes;
    for (uint64_t i = 0; i < 256; ++i) {
      classes.insert(import_shuffle(epoch.row(b * 256 + i)) / (kRows / 100));
    }
    total += static_cast<double>(classes.size());
  }
  EXPECT_NEAR(total / static_cast<double>(batches), 92.4, 0.7);
}

TEST(OrderRandomness, NeighboursOfOneEpochAreStrangersInTheNext) {
  constexpr uint64_t kRows = 60000;
  const SampleOrder order(kRows, 668, 128, 1, true);
  std::vector<uint64_t> place(kRows);
  const EpochOrder first = order.epoch(0);
  const EpochOrder second = order.epoch(1);
  for (uint64_t p = 0; p < kRows; ++p) place[second.row(p)] = p;
  // Correlation of the places of a row in two epochs, and of neighbours' distance.
  double sum = 0;
  uint64_t still_neighbours = 0;
  for (uint64_t p = 0; p < kRows; ++p) {
    const double a = static_cast<double>(p) / kRows - 0.5;
    const double b = static_cast<double>(place[first.row(p)]) / kRows - 0.5;
    sum += a * b;
    if (p + 1 < kRows && place[first.row(p + 1)] == place[first.row(p)] + 1) ++still_neighbours;
  }
  EXPECT_LT(std::abs(sum / kRows * 12),
            0.1);  // blocks, not rows, are the independent things: 1/sqrt(90)
  EXPECT_LT(still_neighbours, 300U);
}

}  // namespace
}  // namespace ringtrain::datasets
