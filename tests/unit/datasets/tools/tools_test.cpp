// SPDX-License-Identifier: Apache-2.0
// What is done with datasets that exist: split, export, sample, verify.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <png.h>

#include "datasets/importers/arrays/npy.hpp"
#include "datasets/importers/decode_image.hpp"
#include "datasets/reading/class_counts.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/verify.hpp"
#include "datasets/tools/contact_sheet.hpp"
#include "datasets/tools/row_lines.hpp"
#include "datasets/writing/export.hpp"
#include "datasets/writing/shard.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/datasets/contents.hpp"

namespace ringtrain::datasets {
namespace {

using testing::data_refusal;
using ::testing::HasSubstr;
using testing::Sizes;
using testing::write_dataset;

void damage(const DatasetIndex& index, uint64_t at) {
  std::string bytes = testing::read_file(index.shards[0].path);
  bytes[at] ^= 1;
  testing::write_file(index.shards[0].path, bytes);
}
// Flips a bit of the first training row.
void damage(const DatasetIndex& index) { damage(index, index.train.pieces[0].x_offset); }

struct Epoch {
  std::vector<std::byte> x;
  std::vector<int64_t> y;
  uint64_t hash = 0;
  bool operator==(const Epoch&) const = default;
};

Epoch epoch_of(const DatasetIndex& index, Split split) {
  ReaderOptions options;
  options.batch_size = 96;
  options.seed = 3;
  Reader reader(index, split, options);
  reader.start(1);
  Epoch epoch;
  while (const Batch* batch = reader.next()) {
    epoch.x.insert(epoch.x.end(), batch->x, batch->x + batch->rows * index.row_bytes());
    epoch.y.insert(epoch.y.end(), batch->y, batch->y + batch->rows);
  }
  epoch.hash = reader.order_hash();
  return epoch;
}

TEST(Shards, TrainLikeTheWhole) {
  const TemporaryDirectory directory;
  const DatasetIndex whole = write_dataset(directory / "set.h5");
  const Epoch train = epoch_of(whole, Split::train);
  const Epoch test = epoch_of(whole, Split::test);
  for (const uint32_t shards : {1, 2, 3, 16}) {
    const auto folder = directory / ("shards-" + std::to_string(shards));
    const auto paths = shard_dataset(whole, folder, shards);
    EXPECT_EQ(paths.size(), shards);
    const DatasetIndex together = open_dataset(folder);
    EXPECT_EQ(together.uuid, whole.uuid);
    EXPECT_EQ(together.mean, whole.mean);
    EXPECT_EQ(epoch_of(together, Split::train), train) << shards;
    EXPECT_EQ(epoch_of(together, Split::test), test) << shards;
  }
}

TEST(Shards, KeepTargetsWithTheirRows) {
  const TemporaryDirectory directory;
  const DatasetIndex whole = write_dataset(directory / "set.h5", {.targets = 3});
  shard_dataset(whole, directory / "shards", 3);
  const DatasetIndex together = open_dataset(directory / "shards");
  EXPECT_EQ(together.targets, whole.targets);
  EXPECT_EQ(testing::source_rows(together, Split::train),
            testing::source_rows(whole, Split::train));
}

TEST(Shards, AreValidAloneAndTheirRowsAreDisjointAndComplete) {
  const TemporaryDirectory directory;
  const DatasetIndex whole = write_dataset(directory / "set.h5");
  const auto paths = shard_dataset(whole, directory / "shards", 3);
  uint64_t train = 0;
  std::vector<std::vector<std::byte>> rows;
  for (uint32_t i = 0; i < 3; ++i) {
    const DatasetIndex shard = open_dataset(paths[i]);
    EXPECT_EQ(shard.shard_index, i);
    EXPECT_EQ(shard.shard_count, 3U);
    EXPECT_EQ(shard.class_names, whole.class_names);
    train += shard.train.rows;
    const Epoch epoch = epoch_of(shard, Split::train);
    for (uint64_t row = 0; row < shard.train.rows; ++row) {
      const auto first = epoch.x.begin() + static_cast<ptrdiff_t>(row * shard.row_bytes());
      rows.emplace_back(first, first + static_cast<ptrdiff_t>(shard.row_bytes()));
    }
  }
  EXPECT_EQ(train, whole.train.rows);
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(std::unique(rows.begin(), rows.end()), rows.end());
}

TEST(Shards, AreRefusedIfThereAreTooFewBlocksAndLeaveNothing) {
  const TemporaryDirectory directory;
  const DatasetIndex whole = write_dataset(directory / "set.h5");
  EXPECT_THAT(data_refusal([&] { shard_dataset(whole, directory / "p", 0); }),
              HasSubstr("can be split into 1 to 16 shards"));
  EXPECT_THAT(data_refusal([&] { shard_dataset(whole, directory / "p", 17); }),
              HasSubstr("can be split into 1 to 16 shards"));
  directory.write("full/file", "x");
  EXPECT_THAT([&] { shard_dataset(whole, directory / "full", 2); },
              ThrowsError(ErrorKind::job, HasSubstr("exists and is not empty")));
  const auto paths = shard_dataset(whole, directory / "shards", 2);
  EXPECT_THAT(data_refusal([&] { shard_dataset(open_dataset(paths[0]), directory / "p", 2); }),
              HasSubstr("is a shard already"));
  damage(whole);
  EXPECT_THAT(data_refusal([&] { shard_dataset(whole, directory / "p", 2); }),
              HasSubstr("damaged (wrong checksum)"));
  EXPECT_FALSE(std::filesystem::exists(directory / "p"));
}

TEST(Shards, ThatDoNotBelongTogetherAreRefused) {
  const TemporaryDirectory directory;
  const auto shards = shard_dataset(write_dataset(directory / "set.h5"), directory / "shards", 3);
  std::filesystem::rename(shards[1], directory / "aside.h5");
  EXPECT_THAT(data_refusal([&] { open_dataset(directory / "shards"); }),
              HasSubstr("holds 2 of 3 shards"));
  std::filesystem::copy(shards[0], shards[1]);
  EXPECT_THAT(data_refusal([&] { open_dataset(directory / "shards"); }),
              HasSubstr("is shard 0, and so is"));
  Sizes others;
  others.train_rows = 900;
  const auto foreign = shard_dataset(write_dataset(directory / "b.h5", others), directory / "b", 3);
  std::filesystem::copy(foreign[1], shards[1], std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(data_refusal([&] { open_dataset(directory / "shards"); }),
              HasSubstr("belongs to another dataset"));
  std::filesystem::rename(directory / "aside.h5", shards[1]);
  EXPECT_EQ(open_dataset(directory / "shards").train.rows, 1000U);
}

TEST(Export, WritesWhatAnImportReadsBack) {
  const TemporaryDirectory directory;
  for (const auto& [element, targets] :
       {std::pair{ElementType::u8, 0}, {ElementType::f32, 2}, {ElementType::i64, 1}}) {
    Sizes sizes;
    sizes.element = element;
    sizes.targets = static_cast<uint64_t>(targets);
    const DatasetIndex index = write_dataset(directory / "set.h5", sizes);
    const auto files = export_npy(index, directory / "npy");
    ASSERT_EQ(files.size(), 4U);
    std::vector<std::unique_ptr<ArraySource>> arrays;
    for (const auto& file : files) arrays.push_back(open_npy(file));
    ArraySources sources{arrays[0].get(), arrays[1].get(), arrays[2].get(), arrays[3].get()};
    sources.channels = ChannelOrder::first;
    sources.answers = targets > 0 ? Answers::targets : Answers::classes;
    const DatasetIndex again = import_arrays(sources, directory / "again.h5", {});
    EXPECT_EQ(again.element, element);
    EXPECT_EQ(again.targets.std, index.targets.std);
    // In the order of the file: source row i of the second is stored row i of the first.
    const auto rows = testing::source_rows(again, Split::train);
    ReaderOptions options;
    options.batch_size = 1000;
    options.shuffle = false;
    Reader reader(index, Split::train, options);
    reader.start(0);
    const Batch* batch = reader.next();
    for (uint64_t i = 0; i < 1000; ++i) {
      ASSERT_EQ(std::memcmp(rows[i].x.data(), batch->x + i * index.row_bytes(), index.row_bytes()),
                0);
      if (targets == 0) {
        ASSERT_EQ(rows[i].label, batch->y[i]);
      } else {
        ASSERT_EQ(std::memcmp(rows[i].targets.data(), batch->targets + i * sizes.targets,
                              index.y_bytes()),
                  0);
      }
    }
  }
}

TEST(Export, RefusesDamage) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  damage(index);
  EXPECT_THAT(data_refusal([&] { export_npy(index, directory / "npy"); }),
              HasSubstr("damaged (wrong checksum)"));
  EXPECT_FALSE(std::filesystem::exists(directory / "npy" / "train_x.npy"));
}

TEST(ClassCounts, AreThoseOfTheLabelsInOneFileOrInShards) {
  const TemporaryDirectory directory;
  const DatasetIndex whole = write_dataset(directory / "set.h5");
  EXPECT_EQ(class_counts(whole, Split::train), std::vector<uint64_t>(10, 100));
  EXPECT_EQ(class_counts(whole, Split::test), std::vector<uint64_t>(10, 13));
  shard_dataset(whole, directory / "parts", 3);
  EXPECT_EQ(class_counts(open_dataset(directory / "parts"), Split::train),
            std::vector<uint64_t>(10, 100));
  damage(whole, whole.train.pieces[0].y_offset);
  EXPECT_THAT(data_refusal([&] { class_counts(whole, Split::train); }),
              HasSubstr("/train/y: damaged"));
}

TEST(Verify, FindsOneFlippedBitOfAnyPart) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  uint64_t done = 0;
  uint64_t total = 0;
  verify(index, [&](uint64_t d, uint64_t t) { done = d, total = t; });
  EXPECT_EQ(done, 1130U);
  EXPECT_EQ(total, 1130U);
  const std::string whole = testing::read_file(directory / "set.h5");
  for (const Split split : {Split::train, Split::test}) {
    const Piece& piece = index.split(split).pieces[0];
    for (const uint64_t at : {piece.x_offset + 7, piece.y_offset + 3}) {
      std::string bytes = whole;
      bytes[at] ^= 4;
      testing::write_file(directory / "set.h5", bytes);
      EXPECT_THAT(data_refusal([&] { verify(index); }),
                  HasSubstr("damaged (wrong checksum) in rows 0 to 63"));
    }
  }
}

TEST(Verify, NamesTheFirstDamagedBlock) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  const Piece& piece = index.split(Split::train).pieces[0];
  std::string bytes = testing::read_file(directory / "set.h5");
  for (const uint64_t row : {950, 600, 300, 200})
    bytes[piece.x_offset + row * index.row_bytes()] ^= 1;
  testing::write_file(directory / "set.h5", bytes);
  for (int i = 0; i < 20; ++i) {  // whichever thread is first
    EXPECT_THAT(data_refusal([&] { verify(index); }),
                HasSubstr("damaged (wrong checksum) in rows 192 to 255"));
  }
}

TEST(RowLines, ShowNumbersWithTheirLabelOrTargets) {
  const TemporaryDirectory directory;
  const DatasetIndex table =
      write_dataset(directory / "a.h5", {.shape = {20, 1, 1}, .element = ElementType::f32});
  EXPECT_TRUE(is_table(table));
  EXPECT_FALSE(is_table(write_dataset(directory / "b.h5")));
  const auto lines = row_lines(table, Split::train, 5, 1);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(row_lines(table, Split::train, 5, 1), lines);
  for (const std::string& line : lines) {
    EXPECT_THAT(line, ::testing::MatchesRegex(
                          "train row [0-9]+ \\([a-z]+\\): .*, \\.\\.\\. \\(20 numbers\\)"));
  }
  const DatasetIndex tokens = write_dataset(
      directory / "c.h5",
      {.test_rows = 1, .shape = {1, 1, 2}, .element = ElementType::i64, .targets = 2});
  const auto x = testing::whole_numbers_of(
      {.x = testing::row_bytes({1, 1, 2}, ElementType::i64, 1000000), .label = 0, .targets = {}});
  const auto y = testing::row_targets(1000000, 2);
  EXPECT_THAT(row_lines(tokens, Split::test, 64, 0),
              ::testing::ElementsAre(
                  fmt::format("test row 0 (t0 {}, t1 {}): {}, {}", y[0], y[1], x[0], x[1])));
}

TEST(ContactSheet, IsAPictureOfTheRows) {
  const TemporaryDirectory directory;
  for (const int64_t channels : {1, 3}) {
    Sizes sizes;
    sizes.shape = {channels, 12, 12};
    const DatasetIndex index = write_dataset(directory / "set.h5", sizes);
    for (const uint64_t rows : {uint64_t{1}, uint64_t{7}, uint64_t{64}, uint64_t{100000}}) {
      write_contact_sheet(index, Split::train, rows, 1, directory / "sheet.png");
      const DecodedImage image = decode_image(testing::read_file(directory / "sheet.png"), 3);
      EXPECT_GT(image.width * image.height, 12 * 12);
    }
  }
  Sizes flat;
  flat.shape = {5, 2, 2};
  EXPECT_THAT(data_refusal([&] {
                write_contact_sheet(write_dataset(directory / "set.h5", flat), Split::train, 4, 1,
                                    directory / "none.png");
              }),
              HasSubstr("samples of 5 channels cannot be drawn"));
}

}  // namespace
}  // namespace ringtrain::datasets
