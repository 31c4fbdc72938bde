// SPDX-License-Identifier: Apache-2.0
// Arrays y with a column a class.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/importers/arrays/npy.hpp"
#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/arrays/npy_bytes.hpp"

namespace ringtrain::datasets {
namespace {

using testing::as_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::import_refusal;
using testing::npy;

const std::string kSamples = npy("'|u1'", "3, 2", "abcdef");

class OneHot : public ::testing::Test {
 protected:
  DatasetIndex import(const std::string& y, Answers answers = Answers::automatic,
                      const std::string& test_y = "") {
    const auto train_x = npy_source(memory_source("x.npy", kSamples));
    const auto train_y = npy_source(memory_source("y.npy", y));
    const auto test_x = npy_source(memory_source("tx.npy", kSamples));
    std::unique_ptr<ArraySource> of_test;
    if (!test_y.empty()) of_test = npy_source(memory_source("ty.npy", test_y));
    ArraySources sources{train_x.get(), train_y.get(), of_test ? test_x.get() : nullptr,
                         of_test.get(), 0};
    sources.answers = answers;
    ImportOptions options;
    options.keep_order = true;
    return import_arrays(sources, directory_ / "set.h5", options);
  }
  std::string refusal(const std::string& y, Answers answers = Answers::automatic,
                      const std::string& test_y = "") {
    std::filesystem::remove(directory_ / "set.h5");
    return import_refusal(directory_ / "set.h5", [&] { import(y, answers, test_y); });
  }
  static std::vector<int64_t> labels(const DatasetIndex& index) {
    std::vector<int64_t> result;
    for (const auto& row : testing::source_rows(index, Split::train)) result.push_back(row.label);
    return result;
  }

  TemporaryDirectory directory_;
};

const std::vector<uint8_t> kRows = {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0};
const std::string kBytes = npy("'|u1'", "3, 4", as_bytes(kRows));
// As keras.utils.to_categorical makes them.
const std::string kFloats =
    npy("'<f4'", "3, 4", as_bytes(std::vector<float>(kRows.begin(), kRows.end())));

TEST_F(OneHot, IsAClassOfEachColumn) {
  for (const std::string& y : {kBytes, kFloats, npy("'|b1'", "3, 4", as_bytes(kRows))}) {
    for (const Answers answers : {Answers::automatic, Answers::classes, Answers::one_hot}) {
      const DatasetIndex index = import(y, answers);
      EXPECT_THAT(labels(index), ElementsAre(2, 0, 2));
      EXPECT_THAT(index.class_names, ElementsAre("0", "1", "2", "3"));  // the last without a row
      EXPECT_FALSE(index.has_targets());
    }
  }
}

TEST_F(OneHot, StaysTargetsWhereThatIsAsked) {
  EXPECT_EQ(refusal(kBytes, Answers::targets),
            "y.npy: target y1 is 0 in all training rows; --one-class imports them all the same");
}

TEST_F(OneHot, NamesTheFirstRowThatIsNot) {
  const std::string two = npy("'|u1'", "3, 2", std::string("\1\0\1\1\0\1", 6));
  EXPECT_EQ(refusal(two, Answers::one_hot),
            "y.npy: row 1 is not one-hot: one 1, and 0 in all other places");
  EXPECT_THAT(refusal(two), HasSubstr("where a class is one, or one-hot"));
  const std::string none = npy("'|u1'", "3, 2", std::string("\1\0\0\1\0\0", 6));
  EXPECT_THAT(refusal(none, Answers::one_hot), HasSubstr("row 2 is not one-hot"));
  const std::string half = npy("'<f4'", "3, 2", as_bytes<float>({0.5, 0.5, 1, 0, 0, 1}));
  EXPECT_THAT(refusal(half, Answers::one_hot), HasSubstr("row 0 is not one-hot"));
  EXPECT_EQ(refusal(npy("'|u1'", "3,", std::string("\0\1\1", 3)), Answers::one_hot),
            "y.npy: has one number a row; one-hot labels have one a class");
}

TEST_F(OneHot, IsTheSameInBothSplits) {
  EXPECT_THAT(labels(import(kBytes, Answers::automatic, kFloats)), ElementsAre(2, 0, 2));
  const std::string three = npy("'|u1'", "3, 3", std::string("\1\0\0\0\1\0\0\0\1", 9));
  EXPECT_EQ(refusal(kBytes, Answers::automatic, three),
            "y.npy has one-hot labels of 4 classes, ty.npy of 3");
}

}  // namespace
}  // namespace ringtrain::datasets
