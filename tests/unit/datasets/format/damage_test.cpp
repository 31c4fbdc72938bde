// SPDX-License-Identifier: Apache-2.0
// Files that were damaged, cut short or never datasets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "datasets/format/hdf5_object.hpp"
#include "datasets/reading/open.hpp"
#include "tests/unit/datasets/format/spoiled_dataset.hpp"

namespace ringtrain::datasets {
namespace {

using testing::data_refusal;
using ::testing::HasSubstr;

class Damaged : public testing::SpoiledDataset {};

TEST_F(Damaged, TruncationIsSeenAtEveryLength) {
  const std::string whole = testing::read_file(path_);
  for (size_t size = 0; size < whole.size(); size += size < 4096 ? 1 : 997) {
    testing::write_file(path_, std::string_view(whole).substr(0, size));
    ASSERT_NE(refusal(), "") << size;
  }
}

TEST_F(Damaged, EveryFlippedBitOfTheMetadataIsSeenOrHarmless) {
  // Metadata lies before the rows and after them; the rows' own flips are the next test's.
  const std::string whole = testing::read_file(path_);
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    const bool in_rows = at >= index_.train.pieces[0].x_offset &&
                         at < index_.train.pieces[0].x_offset + 1000 * index_.row_bytes();
    if (in_rows || (at > 4096 && at % 7 != 0)) continue;
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    testing::write_file(path_, bytes);
    DatasetIndex opened;
    const std::string message = data_refusal([&] { opened = open_dataset(path_); });
    if (!message.empty()) {
      ++refused;
    } else {
      // A bit of a gap: nothing that is used has changed. Class names have no checksum of their
      // own.
      opened.class_names = index_.class_names;
      ASSERT_EQ(opened, index_) << "byte " << at;
    }
  }
  EXPECT_GT(refused, 1000U);
}

TEST_F(Damaged, EveryFlippedBitOfTheRowsIsSeen) {
  const std::string whole = testing::read_file(path_);
  for (const Split split : {Split::train, Split::test}) {
    const Piece& piece = index_.split(split).pieces[0];
    for (size_t i = 0; i < piece.rows * index_.row_bytes(); i += 101) {
      std::string bytes = whole;
      bytes[piece.x_offset + i] = static_cast<char>(bytes[piece.x_offset + i] ^ (1 << i % 8));
      testing::write_file(path_, bytes);
      ASSERT_THAT(refusal(), HasSubstr("damaged (wrong checksum)"));
    }
  }
}

TEST_F(Damaged, OtherThingsAtThePathAreRefused) {
  for (const char* content : {"PK\x03\x04", ""}) {
    testing::write_file(path_, content);
    EXPECT_THAT(refusal(), HasSubstr("not an HDF5 file"));
  }
  std::filesystem::remove(path_);
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
  ::mkfifo(path_.c_str(), 0600);
  EXPECT_THAT(refusal(), HasSubstr("not a regular file"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_THAT(refusal(), HasSubstr("holds no .h5 files"));
}

TEST(Hdf5Profile, ChecksumIsThatOfLookup3) {
  EXPECT_EQ(lookup3(""), 0xdeadbeefU);
  EXPECT_EQ(lookup3("Four score and seven years ago"), 0x17770551U);
}

}  // namespace
}  // namespace ringtrain::datasets
