// SPDX-License-Identifier: Apache-2.0
// The options that every importer has, by way of arrays and tables.
#include "datasets/importers/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "datasets/format/layout.hpp"
#include "datasets/importers/arrays/npy.hpp"
#include "datasets/importers/csv.hpp"
#include "datasets/importers/idx.hpp"
#include "datasets/reading/block_store.hpp"
#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/arrays/npy_bytes.hpp"

namespace ringtrain::datasets {
namespace {

using testing::as_bytes;
using testing::data_refusal;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::npy;

// 40 rows of two numbers, row i of (i, i); labels i % 2, or targets i.
class Options : public ::testing::Test {
 protected:
  DatasetIndex import(const char* name = "set.h5", bool targets = false) {
    std::vector<float> x;
    std::vector<uint8_t> labels;
    std::vector<float> values;
    for (int i = 0; i < 40; ++i) {
      x.insert(x.end(), 2, static_cast<float>(i));
      labels.push_back(static_cast<uint8_t>(i % 2));
      values.push_back(static_cast<float>(i) + 0.5F);
    }
    const std::string x_bytes = npy("'<f4'", "40, 2", as_bytes(x));
    const std::string y_bytes =
        targets ? npy("'<f4'", "40,", as_bytes(values)) : npy("'|u1'", "40,", as_bytes(labels));
    const auto train_x = npy_source(memory_source("x.npy", x_bytes));
    const auto train_y = npy_source(memory_source("y.npy", y_bytes));
    return import_arrays({train_x.get(), train_y.get(), nullptr, nullptr, test_share_},
                         directory_ / name, options_);
  }
  // The first number of each row, in the order in which they lie in the file.
  static std::vector<int> stored(const DatasetIndex& index, Split split) {
    std::vector<int> result;
    Reader reader(index, split, {.batch_size = 64, .shuffle = false});
    reader.start(0);
    while (const Batch* batch = reader.next()) {
      for (uint32_t i = 0; i < batch->rows; ++i) {
        float value = 0;
        std::memcpy(&value, batch->x + i * index.row_bytes(), sizeof value);
        result.push_back(static_cast<int>(value));
      }
    }
    return result;
  }

  ImportOptions options_;
  double test_share_ = 0;
  TemporaryDirectory directory_;
};

TEST_F(Options, NoShareMeansNoTestRows) {
  const DatasetIndex index = import();
  EXPECT_EQ(index.train.rows, 40U);
  EXPECT_EQ(index.test.rows, 0U);
}

TEST_F(Options, RowsStayInTheirOrder) {
  std::vector<int> all(40);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_NE(stored(import(), Split::train), all);
  options_.keep_order = true;
  const DatasetIndex index = import();
  EXPECT_EQ(stored(index, Split::train), all);
  EXPECT_EQ(index.shuffle_seed, layout::kSourceOrder);
}

TEST_F(Options, RowsOfBothSplitsStayInTheirOrder) {
  for (const bool targets : {false, true}) {
    test_share_ = 0.25;
    options_.keep_order = true;
    const DatasetIndex index = import("set.h5", targets);
    const auto test = stored(index, Split::test);
    const auto train = stored(index, Split::train);
    EXPECT_EQ(test.size(), 10U);
    EXPECT_TRUE(std::is_sorted(test.begin(), test.end()));
    EXPECT_TRUE(std::is_sorted(train.begin(), train.end()));
    // The same rows are drawn as for a file that is shuffled.
    options_.keep_order = false;
    auto shuffled = stored(import("other.h5", targets), Split::test);
    std::sort(shuffled.begin(), shuffled.end());
    EXPECT_EQ(shuffled, test);
  }
}

TEST_F(Options, TheLastSeedStandsForNoShuffle) {
  options_.shuffle_seed = layout::kSourceOrder;
  EXPECT_THAT(data_refusal([&] { import(); }),
              HasSubstr("--seed 18446744073709551615: stands for"));
}

TEST_F(Options, TheFirstRowsAlone) {
  options_.keep_order = true;
  options_.limit = 7;
  EXPECT_THAT(stored(import(), Split::train), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(import("set.h5", true).train.rows, 7U);
  options_.limit = 1000;
  EXPECT_EQ(import().train.rows, 40U);
  options_.limit = 10;
  test_share_ = 0.2;
  const DatasetIndex index = import();
  EXPECT_EQ(index.train.rows, 8U);
  EXPECT_EQ(index.test.rows, 2U);
}

TEST_F(Options, TheFirstLinesOfATableAlone) {
  testing::write_file(directory_ / "t.csv", "1,x\n2,y\n3,x\nno number,y\n");
  CsvSources sources;
  sources.train = directory_ / "t.csv";
  sources.test_share = 0;
  options_.limit = 3;
  const DatasetIndex index = import_csv(sources, directory_ / "set.h5", options_);
  EXPECT_EQ(index.train.rows, 3U);
  EXPECT_EQ(index.test.rows, 0U);
}

TEST_F(Options, GivenStatisticsAreStoredForEachChannel) {
  const DatasetIndex own = import("own.h5");
  options_.mean = {0.1307F};
  options_.std = {0.3081F};
  const DatasetIndex index = import();
  EXPECT_THAT(index.mean, ElementsAre(0.1307F, 0.1307F));
  EXPECT_THAT(index.std, Each(0.3081F));
  EXPECT_NE(index.uuid, own.uuid);
  EXPECT_EQ(import("again.h5").uuid, index.uuid);
  options_.mean = {1, 2};
  EXPECT_THAT(import("more.h5").mean, ElementsAre(1, 2));
}

TEST_F(Options, RefusesStatisticsThatDoNotFit) {
  const auto refusal = [&](std::vector<float> mean, std::vector<float> std) {
    options_.mean = std::move(mean);
    options_.std = std::move(std);
    return data_refusal([&] { import(); });
  };
  EXPECT_EQ(refusal({0.5}, {}), "--mean and --std belong together");
  EXPECT_EQ(refusal({0.5}, {0}), "--std: 0 is not positive");
  EXPECT_EQ(refusal({0.5}, {-1}), "--std: -1 is not positive");
  EXPECT_EQ(refusal({NAN}, {1}), "--mean: nan is not finite");
  EXPECT_EQ(refusal({1, 2, 3}, {1}),
            "--mean: has 3 values, but samples of x.npy have 2 channels: give one for all, or one "
            "for each");
}

TEST(IdxOptions, ImagesWithoutTestImages) {
  const TemporaryDirectory directory;
  const std::string images = std::string("\0\0\x08\3\0\0\0\4\0\0\0\1\0\0\0\1", 16) + "abcd";
  const std::string labels = std::string("\0\0\x08\1\0\0\0\4", 8) + std::string("\0\1\0\1", 4);
  const auto import = [&](double share, uint64_t limit) {
    const auto x = memory_source("x", images);
    const auto y = memory_source("y", labels);
    ImportOptions options;
    options.limit = limit;
    options.keep_order = true;
    return import_idx({*x, *y, nullptr, nullptr, share}, directory / "set.h5", options);
  };
  EXPECT_EQ(import(0, 0).train.rows, 4U);
  EXPECT_EQ(import(0.5, 0).test.rows, 2U);
  const DatasetIndex index = import(0, 3);
  std::string first;
  for (const auto& row : testing::source_rows(index, Split::train)) {
    first += static_cast<char>(row.x[0]);
  }
  EXPECT_EQ(first, "abc");
}

}  // namespace
}  // namespace ringtrain::datasets
