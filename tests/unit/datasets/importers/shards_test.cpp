// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/shards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/archives.hpp"
#include "tests/unit/datasets/importers/pictures.hpp"

namespace ringtrain::datasets {
namespace {

using testing::archive_of;
using testing::ArchiveEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::import_refusal;

std::string red(int value) {
  testing::Picture picture;
  picture.width = picture.height = 8;
  picture.red = value;
  return testing::png(picture);
}

using Rows = std::vector<std::pair<int, int64_t>>;

class Shards : public ::testing::Test {
 protected:
  std::filesystem::path write(const char* name, const std::vector<ArchiveEntry>& entries,
                              const std::string& kind = "tar") {
    return sources_.write(name, archive_of(kind, entries));
  }
  DatasetIndex import(std::vector<std::filesystem::path> train,
                      std::vector<std::filesystem::path> test = {}) {
    ShardSources sources = given_;
    sources.train = std::move(train);
    sources.test = std::move(test);
    sources.images.path = "shards";
    sources.images.test_share = 0;
    options_.keep_order = true;
    return import_shards(sources, results_ / "set.h5", options_).index;
  }
  std::string refusal(const std::vector<ArchiveEntry>& entries) {
    const auto path = write("a.tar", entries);
    return import_refusal(results_ / "set.h5", [&] { import({path}); });
  }
  // The red of each row and its label.
  static Rows rows(const DatasetIndex& index, Split split) {
    Rows result;
    for (const auto& row : testing::source_rows(index, split)) {
      result.emplace_back(testing::bytes_of(row)[0], row.label);
    }
    return result;
  }

  ShardSources given_;
  ImportOptions options_;
  TemporaryDirectory sources_;
  TemporaryDirectory results_;
};

const std::vector<ArchiveEntry> kFirst = {{"a/0.cls", "1\n"},
                                          {"a/0.png", red(10)},
                                          {"a/1.png", red(20)},
                                          {"a/1.json", "{}"},
                                          {"a/1.cls", "0"}};
const std::vector<ArchiveEntry> kSecond = {{"a/0.PNG", red(30)}, {"a/0.cls", "2"}};

TEST_F(Shards, RowsAreThoseOfTheShardsInTheirOrder) {
  const auto a = write("a.tar", kFirst);
  const auto b = write("b.tar.gz", kSecond, "tar.gz");
  const DatasetIndex index = import({a, b});
  EXPECT_EQ(rows(index, Split::train), (Rows{{10, 1}, {20, 0}, {30, 2}}));
  EXPECT_THAT(index.class_names, ElementsAre("0", "1", "2"));
  EXPECT_EQ(index.shape, (Shape{3, 8, 8}));
  options_.limit = 2;
  EXPECT_EQ(rows(import({a, b}), Split::train), (Rows{{10, 1}, {20, 0}}));
}

TEST_F(Shards, TestRowsAndLabelsThatAreWords) {
  given_.label_suffix = "txt";
  const auto a =
      write("a.tar", {{"0.png", red(1)}, {"0.txt", "dog"}, {"1.png", red(2)}, {"1.txt", "cat"}});
  const auto b = write("b.tar", {{"0.png", red(3)}, {"0.txt", " dog \n"}});
  const DatasetIndex index = import({a}, {b});
  EXPECT_THAT(index.class_names, ElementsAre("cat", "dog"));
  EXPECT_EQ(rows(index, Split::test), (Rows{{3, 1}}));
  const auto c = write("c.tar", {{"0.png", red(3)}, {"0.txt", "bird"}});
  std::filesystem::remove(results_ / "set.h5");
  EXPECT_THAT(import_refusal(results_ / "set.h5", [&] { import({a}, {c}); }),
              HasSubstr("c.tar: has a class that no training sample has"));
}

TEST_F(Shards, RefusalsNameShardAndSample) {
  EXPECT_THAT(refusal({{"0.cls", "1"}, {"1.cls", "1"}, {"1.png", red(1)}}),
              HasSubstr("a.tar: the sample '0' has no .jpg, .jpeg or .png"));
  EXPECT_THAT(refusal({{"a\x1b/0.png", red(1)}}), HasSubstr("the sample 'a\\x1b/0' has no .cls"));
  EXPECT_THAT(refusal({{"0.png", red(1)}, {"0.jpg", red(1)}, {"0.cls", "1"}}),
              HasSubstr("the sample '0' has two images"));
  EXPECT_THAT(refusal({{"0.png", red(1)}, {"0.cls", "1\n2"}}),
              HasSubstr("a.tar: 0.cls: is not a line"));
  EXPECT_THAT(refusal({{"0.png", red(1)}, {"0.cls", ""}}),
              HasSubstr("a.tar: 0.cls: is not a line"));
  EXPECT_THAT(refusal({{"0.png", red(1)}, {"0.cls", "1"}}),
              HasSubstr("all training rows have the same"));
  EXPECT_THAT(refusal({{"readme.txt", "x"}}), HasSubstr("shards: holds no samples"));
  EXPECT_THAT(refusal({{"../0.png", red(1)}}), HasSubstr("leads outside the archive"));
  EXPECT_THAT(refusal({{"0.png", "no image"}, {"0.cls", "1"}, {"1.png", red(1)}, {"1.cls", "0"}}),
              HasSubstr("a.tar: 0.png: "));
  const std::string whole = archive_of("tar", kFirst);
  for (const size_t size : {size_t{0}, size_t{700}, whole.size() / 4}) {
    const auto path = sources_.write("cut.tar", whole.substr(0, size));
    EXPECT_NE(import_refusal(results_ / "set.h5", [&] { import({path}); }), "") << size;
  }
}

TEST_F(Shards, PatternsNameManyFiles) {
  for (const char* name : {"t-008.tar", "t-009.tar", "t-010.tar", "u-1.tar"})
    sources_.write(name, "");
  const auto names = [&](const std::string& pattern) {
    std::vector<std::string> result;
    for (const auto& path : expand_shards((sources_ / pattern).string())) {
      result.push_back(path.filename().string());
    }
    return result;
  };
  EXPECT_THAT(names("t-{008..010}.tar"), ElementsAre("t-008.tar", "t-009.tar", "t-010.tar"));
  EXPECT_THAT(names("t-*.tar"), ElementsAre("t-008.tar", "t-009.tar", "t-010.tar"));
  EXPECT_THAT(names("u-1.tar"), ElementsAre("u-1.tar"));
  EXPECT_THAT(testing::data_refusal([&] { names("t-{010..011}.tar"); }),
              HasSubstr("t-011.tar: no such file, and none of that pattern"));
  EXPECT_THAT(testing::data_refusal([&] { names("{0..999999999}"); }),
              HasSubstr("more than 1,000,000 shards"));
}

}  // namespace
}  // namespace ringtrain::datasets
