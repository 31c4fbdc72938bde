// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/seeded_split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::HasSubstr;

// Test rows by label; checks that every place is taken once.
std::map<int64_t, int> test_rows(const std::vector<int64_t>& labels, const SeededSplit& split) {
  std::map<int64_t, int> found;
  std::set<std::pair<Split, uint64_t>> places;
  for (uint64_t row = 0; row < labels.size(); ++row) {
    const auto place = split(row);
    EXPECT_TRUE(places.emplace(place.split, place.row).second);
    EXPECT_LT(place.row, place.split == Split::test ? split.test_rows() : split.train_rows());
    if (place.split == Split::test) ++found[labels[row]];
  }
  return found;
}

std::vector<int64_t> repeated(const std::map<int64_t, int>& rows_of_label) {
  std::vector<int64_t> labels;
  for (const auto& [label, rows] : rows_of_label) labels.insert(labels.end(), rows, label);
  return labels;
}

TEST(SeededSplit, GivesEachClassItsShare) {
  const auto labels = repeated({{0, 500}, {1, 100}, {7, 30}});
  for (const uint64_t seed : {0, 1, 2}) {
    const SeededSplit split(labels, 0.1, seed, "x");
    EXPECT_EQ(split.test_rows(), 63U);
    EXPECT_EQ(test_rows(labels, split), (std::map<int64_t, int>{{0, 50}, {1, 10}, {7, 3}}));
  }
}

TEST(SeededSplit, LeavesEveryClassATrainingRow) {
  const auto labels = repeated({{0, 1}, {1, 2}, {2, 3}});
  const SeededSplit split(labels, 0.9, 0, "x");
  EXPECT_EQ(test_rows(labels, split), (std::map<int64_t, int>{{1, 1}, {2, 2}}));
  const auto single = repeated({{0, 1}, {1, 1}, {2, 1}});
  EXPECT_EQ(SeededSplit(single, 0.3, 0, "x").test_rows(), 1U);
}

TEST(SeededSplit, DependsOnTheSeedAlone) {
  const auto labels = repeated({{0, 50}, {1, 50}});
  const auto tests_of = [&](uint64_t seed) {
    const SeededSplit split(labels, 0.2, seed, "x");
    std::vector<uint64_t> rows;
    for (uint64_t row = 0; row < labels.size(); ++row) {
      if (split(row).split == Split::test) rows.push_back(row);
    }
    return rows;
  };
  EXPECT_EQ(tests_of(1), tests_of(1));
  EXPECT_NE(tests_of(1), tests_of(2));
}

TEST(SeededSplit, TakesAShareBetweenNoneAndAll) {
  for (const double share : {1.0, -0.5, 2.0}) {
    EXPECT_THAT([&] { SeededSplit(10, share, 0, "x"); },
                ThrowsError(ErrorKind::job, HasSubstr("--test-share")));
  }
  EXPECT_THAT([] { SeededSplit(1, 0.5, 0, "t.csv"); },
              ThrowsError(ErrorKind::data, HasSubstr("t.csv: has no rows to spare")));
}

}  // namespace
}  // namespace ringtrain::datasets
