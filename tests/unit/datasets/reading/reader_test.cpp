// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <tuple>
#include <vector>

#include "datasets/format/permutation.hpp"
#include "datasets/reading/order.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain::datasets {
namespace {

using testing::data_refusal;
using testing::row_label;
using testing::RowFinder;
using testing::Sizes;
using testing::write_dataset;

ReaderOptions options_for(Tier tier, int rank, int size, uint64_t batch) {
  ReaderOptions options;
  options.rank = rank;
  options.world_size = size;
  options.batch_size = batch;
  options.seed = 11;
  options.tier = tier;
  return options;
}

// Reads an epoch on `size` ranks, one after the other, and returns row by position.
std::map<uint64_t, uint64_t> read_epoch(const DatasetIndex& index, Tier tier, int size,
                                        uint64_t batch, uint64_t from = 0,
                                        uint64_t* hash = nullptr) {
  const RowFinder row_of(index);
  std::map<uint64_t, uint64_t> rows;
  for (int rank = 0; rank < size; ++rank) {
    Reader reader(index, Split::train, options_for(tier, rank, size, batch));
    reader.start(1, from);
    uint64_t expected = from;
    while (const Batch* b = reader.next()) {
      EXPECT_EQ(b->global_first, expected);
      EXPECT_EQ(b->global_rows, std::min(batch, index.train.rows - expected));
      expected += b->global_rows;
      for (uint32_t i = 0; i < b->rows; ++i) {
        EXPECT_TRUE(rows.emplace(b->first_position + i, row_of(b->samples[i])).second);
      }
    }
    EXPECT_EQ(expected, index.train.rows);
    if (hash != nullptr) *hash += reader.order_hash();
  }
  return rows;
}

class EveryTier : public ::testing::TestWithParam<Tier> {};

TEST_P(EveryTier, DeliversTheRowsThatWerePut) {
  const TemporaryDirectory directory;
  for (const ElementType element : {ElementType::u8, ElementType::f32}) {
    Sizes sizes;
    sizes.element = element;
    sizes.shape = {3, 4, 5};
    const DatasetIndex index = write_dataset(directory / "set.h5", sizes);
    const Permutation shuffle(sizes.train_rows, mix(index.shuffle_seed, 0));
    const RowFinder row_of(index);
    Reader reader(index, Split::train, options_for(GetParam(), 0, 1, 96));
    for (uint64_t epoch = 0; epoch < 2; ++epoch) {
      reader.start(epoch);
      std::map<uint64_t, int> times;
      while (const Batch* batch = reader.next()) {
        for (uint32_t i = 0; i < batch->rows; ++i) {
          const std::byte* x = batch->x + i * index.row_bytes();
          ASSERT_EQ(batch->samples[i], x);
          const uint64_t source_row = shuffle.inverse(row_of(x));
          ASSERT_EQ(batch->y[i], row_label(source_row));
          ++times[source_row];
        }
      }
      EXPECT_EQ(times.size(), sizes.train_rows);
      EXPECT_EQ(reader.next(), nullptr);
    }
  }
}

TEST_P(EveryTier, FollowsTheSampleOrder) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  const SampleOrder order(index.train.rows, index.block_rows, 96, 11, true);
  const OrderTerms terms(1);
  uint64_t hash = 0;
  uint64_t expected_hash = 0;
  for (const auto& [position, row] : read_epoch(index, GetParam(), 2, 96, 0, &hash)) {
    ASSERT_EQ(row, order.row(1, position));
    expected_hash += terms(position, row);
  }
  EXPECT_EQ(hash, expected_hash);
}

TEST_P(EveryTier, IsTheSameForEveryNumberOfRanks) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  for (const uint64_t batch : {1, 6, 96, 128, 5000}) {
    uint64_t expected_hash = 0;
    const auto expected = read_epoch(index, GetParam(), 1, batch, 0, &expected_hash);
    EXPECT_EQ(expected.size(), index.train.rows);
    for (const int size : {2, 3, 4, 8}) {
      uint64_t hash = 0;
      EXPECT_EQ(read_epoch(index, GetParam(), size, batch, 0, &hash), expected);
      EXPECT_EQ(hash, expected_hash) << size << " ranks, batches of " << batch;
    }
  }
}

TEST_P(EveryTier, ResumesFromOneIntegerWithAnotherNumberOfRanks) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  auto whole = read_epoch(index, GetParam(), 2, 96);
  uint64_t whole_hash = 0;
  read_epoch(index, GetParam(), 1, 96, 0, &whole_hash);
  // Three ranks consume the first 480 samples, then five ranks the rest.
  uint64_t hash = 0;
  for (int rank = 0; rank < 3; ++rank) {
    Reader reader(index, Split::train, options_for(GetParam(), rank, 3, 96));
    reader.start(1);
    for (int step = 0; step < 5; ++step) ASSERT_NE(reader.next(), nullptr);
    hash += reader.order_hash();
  }
  const auto rest = read_epoch(index, GetParam(), 5, 96, 480, &hash);
  whole.erase(whole.begin(), whole.find(480));
  EXPECT_EQ(rest, whole);
  EXPECT_EQ(hash, whole_hash);
  EXPECT_TRUE(read_epoch(index, GetParam(), 2, 96, index.train.rows).empty());
}

TEST_P(EveryTier, GivesEmptyBatchesToRanksWithoutRows) {
  const TemporaryDirectory directory;
  Sizes sizes;
  sizes.train_rows = 10;
  const DatasetIndex index = write_dataset(directory / "set.h5", sizes);
  Reader reader(index, Split::train, options_for(GetParam(), 3, 4, 3));
  reader.start(0);
  int batches = 0;
  while (const Batch* batch = reader.next()) {
    EXPECT_EQ(batch->rows, 0U);
    ++batches;
  }
  EXPECT_EQ(batches, 4);
}

TEST_P(EveryTier, KeepsAsManyBatchesAsAsked) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5", {});
  ReaderOptions options = options_for(GetParam(), 0, 1, 16);
  options.kept = 3;
  size_t given = 0;
  options.allocate = [&](size_t bytes) {
    ++given;
    return std::shared_ptr<std::byte[]>(new (std::align_val_t{64}) std::byte[bytes], [](auto* p) {
      ::operator delete[](p, std::align_val_t{64});
    });
  };
  Reader reader(index, Split::train, options);
  EXPECT_EQ(given, 3U);
  reader.start(0);
  const size_t bytes = 16 * index.row_bytes();
  std::vector<const Batch*> batches;
  std::vector<std::vector<std::byte>> rows;
  std::vector<int64_t> labels;
  for (int k = 0; k < 3; ++k) {
    batches.push_back(reader.next());
    rows.emplace_back(batches.back()->x, batches.back()->x + bytes);
    labels.push_back(batches.back()->y[15]);
  }
  for (size_t k = 0; k < 3; ++k) {
    EXPECT_TRUE(std::equal(rows[k].begin(), rows[k].end(), batches[k]->x));
    EXPECT_EQ(batches[k]->y[15], labels[k]);
  }
  EXPECT_EQ(reader.next(), batches[0]);
}

TEST_P(EveryTier, FindsDamageInTheMiddleOfAnEpoch) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  std::string bytes = testing::read_file(directory / "set.h5");
  bytes[index.train.pieces[0].x_offset + 500 * index.row_bytes()] ^= 1;
  testing::write_file(directory / "set.h5", bytes);
  Reader reader(index, Split::train, options_for(GetParam(), 0, 1, 32));
  reader.start(0);
  EXPECT_THAT(data_refusal([&] {
                while (reader.next() != nullptr) {
                }
              }),
              ::testing::HasSubstr("/train/x: damaged (wrong checksum) in rows 448 to 511"));
}

TEST_P(EveryTier, RefusesAFileThatChangedItsSize) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  Reader reader(index, Split::train, options_for(GetParam(), 0, 1, 32));
  std::filesystem::resize_file(directory / "set.h5", 1000);
  EXPECT_THAT(data_refusal([&] { reader.start(0); }), ::testing::HasSubstr("1000 bytes here"));
}

TEST_P(EveryTier, CanBeDroppedAndStartedAgainInTheMiddle) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  Reader reader(index, Split::train, options_for(GetParam(), 0, 2, 96));
  for (int i = 0; i < 5; ++i) {
    reader.start(0, 96 * static_cast<uint64_t>(i));
    ASSERT_NE(reader.next(), nullptr);
  }
  EXPECT_THROW(reader.start(0, 5), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Reader, EveryTier, ::testing::Values(Tier::in_memory, Tier::out_of_core),
                         [](const auto& tier) {
                           return tier.param == Tier::in_memory ? "InMemory" : "OutOfCore";
                         });

}  // namespace
}  // namespace ringtrain::datasets
