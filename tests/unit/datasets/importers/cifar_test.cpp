// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/cifar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/archives.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::HasSubstr;

// Records of label bytes and 3072 pixels, which all have the number of the record.
std::string records(int count, const std::string& labels, int first = 0) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes += labels;
    bytes += std::string(3072, static_cast<char>(first + i));
  }
  return bytes;
}

class Cifar : public ::testing::Test {
 protected:
  void write_ten(const TemporaryDirectory& to) {
    for (int i = 1; i <= 5; ++i) {
      to.write("c/data_batch_" + std::to_string(i) + ".bin",
               records(2, std::string(1, static_cast<char>(i)), 2 * (i - 1)));
    }
    to.write("c/test_batch.bin", records(3, "\x09"));
    to.write("c/batches.meta.txt",
             "plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
  }
  DatasetIndex import(const std::filesystem::path& source) {
    return import_cifar(source, results_ / "set.h5", options_);
  }
  std::string refusal(const std::filesystem::path& source) {
    return testing::import_refusal(results_ / "set.h5", [&] { import(source); });
  }

  ImportOptions options_;
  TemporaryDirectory sources_;
  TemporaryDirectory results_;
};

TEST_F(Cifar, ReadsTheTenClasses) {
  write_ten(sources_);
  const DatasetIndex index = import(sources_.path());
  EXPECT_EQ(index.shape, (Shape{3, 32, 32}));
  EXPECT_EQ(index.train.rows, 10U);
  EXPECT_EQ(index.test.rows, 3U);
  EXPECT_EQ(index.class_names[9], "truck");
  const auto rows = testing::source_rows(index, Split::train);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(rows[static_cast<size_t>(i)].label, 1 + i / 2);
    EXPECT_EQ(testing::bytes_of(rows[static_cast<size_t>(i)]), std::vector<int>(3072, i));
  }
}

TEST_F(Cifar, ReadsTheArchiveAsItIsDownloaded) {
  write_ten(sources_);
  std::vector<testing::ArchiveEntry> entries;
  for (const auto& file : std::filesystem::directory_iterator(sources_ / "c")) {
    entries.push_back({"cifar-10-batches-bin/" + file.path().filename().string(),
                       testing::read_file(file.path())});
  }
  const auto archive = sources_.write("cifar.tar.gz", testing::archive_of("tar.gz", entries));
  EXPECT_EQ(import(archive).uuid, import(sources_ / "c").uuid);
}

TEST_F(Cifar, ReadsTheFineLabelsOfTheHundred) {
  sources_.write("train.bin", records(4, "\x03\x2a") + records(1, "\x03\x2b"));
  sources_.write("test.bin", records(2, std::string("\x00\x63", 2)));
  const DatasetIndex index = import(sources_.path());
  EXPECT_EQ(index.class_names.size(), 100U);
  EXPECT_EQ(testing::source_rows(index, Split::train)[0].label, 42);
  EXPECT_EQ(testing::source_rows(index, Split::test)[0].label, 99);
}

TEST_F(Cifar, RefusesOneClassUnlessAsked) {
  sources_.write("train.bin", records(4, "\x03\x2a"));
  sources_.write("test.bin", records(2, "\x03\x2b"));
  EXPECT_THAT(refusal(sources_.path()),
              HasSubstr("all training rows have the same class; --one-class"));
  options_.one_class = true;
  EXPECT_EQ(import(sources_.path()).train.rows, 4U);
}

TEST_F(Cifar, TakesOrRefusesClassNames) {
  write_ten(sources_);
  options_.class_names = {"a", "b"};
  EXPECT_THAT(refusal(sources_.path()), HasSubstr("--class-names: has 2 names, but"));
  options_.class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "nine"};
  EXPECT_EQ(import(sources_.path()).class_names[9], "nine");
}

TEST_F(Cifar, RefusesEverythingElse) {
  EXPECT_THAT(refusal(sources_.path()), HasSubstr("data_batch_1.bin is missing"));
  sources_.write("data_batch_1", "pickled");
  EXPECT_THAT(refusal(sources_.path()),
              HasSubstr("this is the Python version, whose pickles can run any code"));
  std::filesystem::remove(sources_ / "data_batch_1");
  write_ten(sources_);
  sources_.write("c/data_batch_3.bin", records(2, "\x01") + "x");
  EXPECT_THAT(refusal(sources_.path()),
              HasSubstr("data_batch_3.bin has 6147 bytes, which is not a whole number"));
  sources_.write("c/data_batch_3.bin", records(2, "\x0a"));
  EXPECT_THAT(refusal(sources_.path()), HasSubstr("data_batch_3.bin: image 0 has label 10"));
  sources_.write("c/data_batch_3.bin", "");
  EXPECT_THAT(refusal(sources_.path()), HasSubstr("data_batch_3.bin has 0 bytes"));
  sources_.write("c/data_batch_3.bin", records(2, "\x01"));
  sources_.write("d/test_batch.bin", records(2, "\x01"));
  EXPECT_THAT(refusal(sources_.path()), HasSubstr("holds test_batch.bin twice"));
  EXPECT_THAT(refusal(sources_ / "nowhere"), HasSubstr("nowhere: cannot open: No such file"));
}

}  // namespace
}  // namespace ringtrain::datasets
