// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/mix.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/format/permutation.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/writing/hdf5_handle.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/datasets/contents.hpp"

namespace ringtrain::datasets {
namespace {

using testing::data_refusal;
using ::testing::HasSubstr;
using testing::Sizes;
using testing::write_dataset;

size_t entries(const std::filesystem::path& directory) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

TEST(Writer, WhatWasWrittenIsWhatIsOpened) {
  const TemporaryDirectory directory;
  const DatasetIndex written = write_dataset(directory / "set.h5");
  const DatasetIndex opened = open_dataset(directory / "set.h5");
  EXPECT_EQ(opened, written);
  EXPECT_EQ(opened.train.rows, 1000U);
  EXPECT_EQ(opened.test.rows, 130U);
  EXPECT_EQ(opened.class_names[9], "nine");
  EXPECT_EQ(opened.source, "test rows");
  EXPECT_EQ(entries(directory.path()), 1U);
}

TEST(Writer, MeanAndStdOfManyChannelsFitToo) {
  const TemporaryDirectory directory;
  for (const int64_t channels : {8192, 8193, 40000}) {
    const Sizes sizes{.train_rows = 20,
                      .test_rows = 5,
                      .block_rows = 8,
                      .shape = {channels, 1, 1},
                      .element = ElementType::f32};
    const DatasetIndex written = write_dataset(directory / "set.h5", sizes);
    EXPECT_EQ(written.mean.size(), static_cast<size_t>(channels));
    EXPECT_EQ(open_dataset(directory / "set.h5"), written);
  }
}

TEST(Writer, TheSameRowsGiveTheSameBytes) {
  const TemporaryDirectory directory;
  write_dataset(directory / "a.h5");
  write_dataset(directory / "b.h5");
  EXPECT_EQ(testing::read_file(directory / "a.h5"), testing::read_file(directory / "b.h5"));
}

TEST(Writer, MeanAndStdAreThoseOfTheTrainingRows) {
  const TemporaryDirectory directory;
  const auto check = [&](ElementType element, const Shape& shape) {
    Sizes sizes;
    sizes.element = element;
    sizes.shape = shape;
    const DatasetIndex index = write_dataset(directory / "set.h5", sizes);
    const auto pixels = static_cast<size_t>(shape.height * shape.width);
    const auto values = static_cast<double>(sizes.train_rows * pixels);
    for (size_t c = 0; c < 3; ++c) {
      double sum = 0;
      double squares = 0;
      for (uint64_t i = 0; i < sizes.train_rows; ++i) {
        const auto bytes = testing::row_bytes(sizes.shape, element, i);
        for (size_t k = c * pixels; k < (c + 1) * pixels; ++k) {
          const double value = element == ElementType::u8
                                   ? std::to_integer<int>(bytes[k]) / 255.0
                                   : reinterpret_cast<const float*>(bytes.data())[k];
          sum += value;
          squares += value * value;
        }
      }
      const double mean = sum / values;
      EXPECT_NEAR(index.mean[c], mean, 1e-6 * (1 + std::abs(mean)));
      EXPECT_NEAR(index.std[c], std::sqrt(squares / values - mean * mean), 1e-5);
    }
  };
  for (const ElementType element : {ElementType::u8, ElementType::f32}) {
    check(element, {3, 4, 5});
    check(element, {3, 1, 1});
  }
}

uint64_t version_of(const std::filesystem::path& path) {
  const Hdf5Handle file(check_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "open"),
                        H5Fclose);
  const Hdf5Handle attribute(
      check_hdf5(H5Aopen(file, layout::kFormatVersion, H5P_DEFAULT), "version"), H5Aclose);
  uint64_t version = 0;
  check_hdf5_status(H5Aread(attribute, H5T_NATIVE_UINT64, &version), "version");
  return version;
}

TEST(Writer, RaisesTheVersionForWhatOlderProgramsCannotRead) {
  const TemporaryDirectory directory;
  write_dataset(directory / "labels.h5");
  write_dataset(directory / "targets.h5", {.targets = 1});
  write_dataset(directory / "tokens.h5", {.element = ElementType::i64});
  EXPECT_EQ(version_of(directory / "labels.h5"), 1U);
  EXPECT_EQ(version_of(directory / "targets.h5"), 2U);
  EXPECT_EQ(version_of(directory / "tokens.h5"), 2U);
}

TEST(Writer, KeepsTargetsWithTheirRows) {
  const TemporaryDirectory directory;
  for (const uint64_t targets : {1, 3, 200}) {
    const DatasetIndex index = write_dataset(directory / "set.h5", {.targets = targets});
    EXPECT_EQ(open_dataset(directory / "set.h5"), index);
    EXPECT_EQ(deserialise(serialise(index)), index);
    EXPECT_EQ(index.targets.names.size(), targets);
    EXPECT_TRUE(index.class_names.empty());
    const auto rows = testing::source_rows(index, Split::train);
    for (uint64_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows[i].targets, testing::row_targets(i, targets));
      ASSERT_EQ(rows[i].x, testing::row_bytes(index.shape, index.element, i));
    }
    const auto test = testing::source_rows(index, Split::test);
    EXPECT_EQ(test[7].targets, testing::row_targets(1000007, targets));
  }
}

TEST(Writer, KnowsTheMeanStdAndRangeOfEachTarget) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5", {.targets = 3});
  for (size_t k = 0; k < 3; ++k) {
    double sum = 0;
    double squares = 0;
    float least = 1e9;
    float largest = -1e9;
    for (uint64_t i = 0; i < 1130; ++i) {
      const double value = testing::row_targets(i < 1000 ? i : 999000 + i, 3)[k];
      least = std::min(least, static_cast<float>(value));
      largest = std::max(largest, static_cast<float>(value));
      sum += i < 1000 ? value : 0;
      squares += i < 1000 ? value * value : 0;
    }
    const double mean = sum / 1000;
    EXPECT_NEAR(index.targets.mean[k], mean, 1e-5 * mean);
    EXPECT_NEAR(index.targets.std[k], std::sqrt(squares / 1000 - mean * mean), 1e-3);
    EXPECT_EQ(index.targets.least[k], least);
    EXPECT_EQ(index.targets.largest[k], largest);
  }
}

TEST(Writer, RefusesTargetsThatAreNoNumbersOrShareAName) {
  const TemporaryDirectory directory;
  NewDataset dataset;
  dataset.source = "here";
  dataset.shape = {1, 1, 1};
  dataset.train_rows = 2;
  dataset.target_names = {"a", "b"};
  const std::byte x{};
  {
    Writer writer(directory / "set.h5", dataset);
    EXPECT_THAT(data_refusal([&] {
                  writer.put(Split::train, 1, &x, std::vector<float>{1, std::nanf("")});
                }),
                HasSubstr("here: row 1: target b is nan, not a finite number"));
    writer.put(Split::train, 0, &x, std::vector<float>{3e38F, 1});
    writer.put(Split::train, 1, &x, std::vector<float>{-3e38F, 1});
    EXPECT_EQ(writer.finish().targets.std[1], 1);  // of a constant
  }
  dataset.target_names = {"a", "a"};
  EXPECT_THAT(data_refusal([&] { Writer(directory / "set.h5", dataset); }),
              HasSubstr("two targets are named 'a'"));
  dataset.target_names.assign(5000, "a");
  EXPECT_THAT(data_refusal([&] { Writer(directory / "set.h5", dataset); }),
              HasSubstr("5000 targets; a dataset has at most 4096"));
}

TEST(Writer, WholeNumbersKeepAllTheirBits) {
  const TemporaryDirectory directory;
  const DatasetIndex index =
      write_dataset(directory / "set.h5", {.shape = {3, 1, 1}, .element = ElementType::i64});
  EXPECT_EQ(open_dataset(directory / "set.h5"), index);
  EXPECT_EQ(index.mean, std::vector<float>(3, 0));
  EXPECT_EQ(index.std, std::vector<float>(3, 1));
  const auto rows = testing::source_rows(index, Split::train);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].x, testing::row_bytes(index.shape, index.element, i));
  }
}

TEST(Writer, AnUnfinishedDatasetLeavesNothing) {
  const TemporaryDirectory directory;
  {
    NewDataset dataset;
    dataset.shape = {1, 2, 2};
    dataset.train_rows = 5;
    Writer writer(directory / "set.h5", dataset);
    const auto row = testing::row_bytes(dataset.shape, ElementType::u8, 0);
    writer.put(Split::train, 0, row.data(), 0);
    writer.set_class_names({"only"});
    EXPECT_EQ(entries(directory.path()), 1U);
    EXPECT_FALSE(std::filesystem::exists(directory / "set.h5"));
    EXPECT_THAT(data_refusal([&] { writer.finish(); }), HasSubstr("never written"));
  }
  EXPECT_EQ(entries(directory.path()), 0U);
}

TEST(Writer, RefusesWhatMakesNoSense) {
  const TemporaryDirectory directory;
  NewDataset dataset;
  dataset.shape = {1, 28, 28};
  EXPECT_THAT(data_refusal([&] { Writer(directory / "set.h5", dataset); }),
              HasSubstr("no training rows"));
  dataset.train_rows = uint64_t{1} << 60;
  EXPECT_THAT(data_refusal([&] { Writer(directory / "set.h5", dataset); }),
              HasSubstr("no disk holds"));
  dataset.train_rows = 1;
  dataset.shape = {1, 0, 28};
  EXPECT_THAT(data_refusal([&] { Writer(directory / "set.h5", dataset); }),
              HasSubstr("each dimension"));
  dataset.shape = {1, 1, 1};
  testing::write_file(directory / "file", "");
  EXPECT_THAT([&] { Writer(directory / "file" / "set.h5", dataset); },
              ThrowsError(ErrorKind::io, HasSubstr("set.h5")));
  Writer writer(directory / "set.h5", dataset);
  const std::byte x{};
  writer.put(Split::train, 0, &x, 1);
  EXPECT_THAT(data_refusal([&] { writer.put(Split::train, 1, &x, 0); }), HasSubstr("row 1 of 1"));
  writer.set_class_names({"only"});
  EXPECT_THAT(data_refusal([&] { writer.finish(); }), HasSubstr("label 1 where there is 1 class"));
}

TEST(Writer, ReplacesAnOlderDatasetOnlyWhenDone) {
  const TemporaryDirectory directory;
  testing::write_file(directory / "set.h5", "old");
  NewDataset dataset;
  dataset.shape = {1, 2, 2};
  dataset.train_rows = 5;
  { const Writer writer(directory / "set.h5", dataset); }
  EXPECT_EQ(testing::read_file(directory / "set.h5"), "old");
  write_dataset(directory / "set.h5");
  EXPECT_EQ(open_dataset(directory / "set.h5").train.rows, 1000U);
}

TEST(Writer, WritesWhatLibhdf5Reads) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  const Hdf5Handle file(
      check_hdf5(H5Fopen((directory / "set.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "open"),
      H5Fclose);
  const Hdf5Handle y(check_hdf5(H5Dopen2(file, "/train/y", H5P_DEFAULT), "open"), H5Dclose);
  std::vector<int64_t> labels(index.train.rows);
  check_hdf5_status(H5Dread(y, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data()),
                    "read");
  const Permutation shuffle(index.train.rows, mix(index.shuffle_seed, 0));
  for (uint64_t i = 0; i < index.train.rows; ++i) {
    ASSERT_EQ(labels[shuffle(i)], testing::row_label(i));
  }
}

TEST(DatasetIndex, ComesBackFromBytesAsItWas) {
  const TemporaryDirectory directory;
  const DatasetIndex index = write_dataset(directory / "set.h5");
  EXPECT_EQ(deserialise(serialise(index)), index);
  EXPECT_THAT([&] { deserialise("nonsense"); }, ThrowsError(ErrorKind::data));
  EXPECT_THAT([&] { deserialise(serialise(index).substr(0, 100)); }, ThrowsError(ErrorKind::data));
}

}  // namespace
}  // namespace ringtrain::datasets
