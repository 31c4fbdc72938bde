// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <tuple>

#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain::datasets {
namespace {

using testing::data_refusal;
using testing::row_bytes;
using testing::row_label;
using testing::Sizes;
using testing::write_dataset;

struct Setting {
  Tier tier;
  int batches_ahead;
};

ReaderOptions options_for(const Setting& setting, int rank, int size, uint64_t batch) {
  ReaderOptions options;
  options.rank = rank;
  options.world_size = size;
  options.batch_size = batch;
  options.seed = 11;
  options.tier = setting.tier;
  options.batches_ahead = setting.batches_ahead;
  return options;
}

// Reads an epoch on `size` ranks, one after the other, and returns row by position.
std::map<uint64_t, uint64_t> read_epoch(const Plan& plan, const Setting& setting, int size,
                                        uint64_t batch, uint64_t from = 0,
                                        uint64_t* hash = nullptr) {
  std::map<uint64_t, uint64_t> rows;
  for (int rank = 0; rank < size; ++rank) {
    Reader reader(plan, Split::train, options_for(setting, rank, size, batch));
    reader.start(1, from);
    uint64_t expected = from;
    while (const Batch* b = reader.next()) {
      EXPECT_EQ(b->global_first, expected);
      EXPECT_EQ(b->global_rows, std::min(batch, plan.train.rows - expected));
      expected += b->global_rows;
      for (uint32_t i = 0; i < b->rows; ++i) {
        EXPECT_TRUE(rows.emplace(b->first_position + i, b->row_ids[i]).second);
      }
    }
    EXPECT_EQ(expected, plan.train.rows);
    if (hash != nullptr) *hash += reader.order_hash();
  }
  return rows;
}

class EveryTier : public ::testing::TestWithParam<Setting> {};

TEST_P(EveryTier, DeliversTheRowsThatWerePut) {
  const TemporaryDirectory directory;
  for (const Element element : {Element::u8, Element::f32}) {
    Sizes sizes;
    sizes.element = element;
    sizes.shape = {3, 4, 5};
    const Plan plan = write_dataset(directory / "set.h5", sizes);
    const Permutation shuffle(sizes.train_rows, mix(plan.shuffle_seed, 0));
    Reader reader(plan, Split::train, options_for(GetParam(), 0, 1, 96));
    for (uint64_t epoch = 0; epoch < 2; ++epoch) {
      reader.start(epoch);
      uint64_t seen = 0;
      while (const Batch* batch = reader.next()) {
        for (uint32_t i = 0; i < batch->rows; ++i) {
          const uint64_t source_row = shuffle.inverse(batch->row_ids[i]);
          const auto bytes = row_bytes(sizes.shape, element, source_row);
          ASSERT_EQ(std::memcmp(batch->x + i * plan.row_bytes(), bytes.data(), bytes.size()), 0);
          ASSERT_EQ(batch->y[i], row_label(source_row));
          ++seen;
        }
      }
      EXPECT_EQ(seen, sizes.train_rows);
      EXPECT_EQ(reader.next(), nullptr);
    }
  }
}

TEST_P(EveryTier, FollowsTheSampleOrder) {
  const TemporaryDirectory directory;
  const Plan plan = write_dataset(directory / "set.h5");
  const SampleOrder order(plan.train.rows, plan.block_rows, 96, 11, true);
  for (const auto& [position, row] : read_epoch(plan, GetParam(), 2, 96)) {
    ASSERT_EQ(row, order.row(1, position));
  }
}

TEST_P(EveryTier, IsTheSameForEveryNumberOfRanks) {
  const TemporaryDirectory directory;
  const Plan plan = write_dataset(directory / "set.h5");
  for (const uint64_t batch : {1, 6, 96, 128, 5000}) {
    uint64_t expected_hash = 0;
    const auto expected = read_epoch(plan, GetParam(), 1, batch, 0, &expected_hash);
    EXPECT_EQ(expected.size(), plan.train.rows);
    for (const int size : {2, 3, 4, 8}) {
      uint64_t hash = 0;
      EXPECT_EQ(read_epoch(plan, GetParam(), size, batch, 0, &hash), expected);
      EXPECT_EQ(hash, expected_hash) << size << " ranks, batches of " << batch;
    }
  }
}

TEST_P(EveryTier, GoesOnFromOneIntegerWithAnotherNumberOfRanks) {
  const TemporaryDirectory directory;
  const Plan plan = write_dataset(directory / "set.h5");
  auto whole = read_epoch(plan, GetParam(), 2, 96);
  uint64_t whole_hash = 0;
  read_epoch(plan, GetParam(), 1, 96, 0, &whole_hash);
  // Three ranks consume the first 480 samples, then five ranks the rest.
  uint64_t hash = 0;
  for (int rank = 0; rank < 3; ++rank) {
    Reader reader(plan, Split::train, options_for(GetParam(), rank, 3, 96));
    reader.start(1);
    for (int step = 0; step < 5; ++step) ASSERT_NE(reader.next(), nullptr);
    hash += reader.order_hash();
  }
  const auto rest = read_epoch(plan, GetParam(), 5, 96, 480, &hash);
  whole.erase(whole.begin(), whole.find(480));
  EXPECT_EQ(rest, whole);
  EXPECT_EQ(hash, whole_hash);
  EXPECT_TRUE(read_epoch(plan, GetParam(), 2, 96, plan.train.rows).empty());
}

TEST_P(EveryTier, GivesEmptyBatchesToRanksWithoutRows) {
  const TemporaryDirectory directory;
  Sizes sizes;
  sizes.train_rows = 10;
  const Plan plan = write_dataset(directory / "set.h5", sizes);
  Reader reader(plan, Split::train, options_for(GetParam(), 3, 4, 3));
  reader.start(0);
  int batches = 0;
  while (const Batch* batch = reader.next()) {
    EXPECT_EQ(batch->rows, 0U);
    ++batches;
  }
  EXPECT_EQ(batches, 4);
}

TEST_P(EveryTier, FindsDamageInTheMiddleOfAnEpoch) {
  const TemporaryDirectory directory;
  const Plan plan = write_dataset(directory / "set.h5");
  std::string bytes = testing::read_file(directory / "set.h5");
  bytes[plan.train.pieces[0].x_offset + 500 * plan.row_bytes()] ^= 1;
  testing::write_file(directory / "set.h5", bytes);
  Reader reader(plan, Split::train, options_for(GetParam(), 0, 1, 32));
  reader.start(0);
  EXPECT_THAT(data_refusal([&] {
                while (reader.next() != nullptr) {
                }
              }),
              ::testing::HasSubstr("/train/x: damaged (wrong checksum) in rows 448 to 511"));
}

TEST_P(EveryTier, RefusesAFileThatChangedItsSize) {
  const TemporaryDirectory directory;
  const Plan plan = write_dataset(directory / "set.h5");
  Reader reader(plan, Split::train, options_for(GetParam(), 0, 1, 32));
  std::filesystem::resize_file(directory / "set.h5", 1000);
  EXPECT_THAT(data_refusal([&] { reader.start(0); }), ::testing::HasSubstr("1000 bytes here"));
}

TEST_P(EveryTier, CanBeDroppedAndStartedAgainInTheMiddle) {
  const TemporaryDirectory directory;
  const Plan plan = write_dataset(directory / "set.h5");
  Reader reader(plan, Split::train, options_for(GetParam(), 0, 2, 96));
  for (int i = 0; i < 5; ++i) {
    reader.start(0, 96 * static_cast<uint64_t>(i));
    ASSERT_NE(reader.next(), nullptr);
  }
  EXPECT_THROW(reader.start(0, 5), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Reader, EveryTier,
                         ::testing::Values(Setting{Tier::in_memory, 0}, Setting{Tier::in_memory, 3},
                                           Setting{Tier::out_of_core, 0},
                                           Setting{Tier::out_of_core, 3}),
                         [](const auto& setting) {
                           return std::string(setting.param.tier == Tier::in_memory ? "InMemory"
                                                                                    : "OutOfCore") +
                                  (setting.param.batches_ahead > 0 ? "Ahead" : "");
                         });

TEST(Reader, ReadsLittleMoreThanItDelivers) {
  const TemporaryDirectory directory;
  Sizes sizes;
  sizes.train_rows = 64000;
  const Plan plan = write_dataset(directory / "set.h5", sizes);
  uint64_t read = 0;
  for (int rank = 0; rank < 4; ++rank) {
    Reader reader(plan, Split::train, options_for({Tier::out_of_core, 0}, rank, 4, 128));
    reader.start(0);
    while (reader.next() != nullptr) {
    }
    read += reader.bytes_read();
  }
  // 1000 blocks and 31 borders between lanes.
  EXPECT_LE(static_cast<double>(read), 1.05 * static_cast<double>(plan.bytes(Split::train)));
}

TEST(Reader, SaysWhereTheRowsComeFrom) {
  const TemporaryDirectory directory;
  const Plan plan = write_dataset(directory / "set.h5");
  EXPECT_THAT(Reader(plan, Split::train, options_for({Tier::automatic, 0}, 0, 1, 8)).describe(),
              ::testing::StartsWith("in memory"));
  EXPECT_THAT(Reader(plan, Split::train, options_for({Tier::out_of_core, 0}, 0, 1, 8)).describe(),
              ::testing::StartsWith("out of core"));
}

}  // namespace
}  // namespace ringtrain::datasets
